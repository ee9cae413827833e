# SPDX-License-Identifier: Apache-2.0
"""An MQTT broker of one's own, Debian's mosquitto, and its mosquitto_sub as the judge of what was published."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lab import free_port
from writers import wait_until

PATHS = f"{os.environ.get('PATH', '')}:/usr/sbin"


def _program(name: str) -> str:
    path = shutil.which(name, path=PATHS)
    if path is None:
        told = f"no {name} here: ci/bootstrap base lab"
        assert "CI" not in os.environ, told
        pytest.skip(told)
    return path


class Mosquitto:
    """A broker that can be killed and started again. folder: for its files. users: {name: password}, or anybody may."""

    def __init__(self, folder: Path, users: dict[str, str] | None = None, tls: bool = False) -> None:
        self.port, self.folder = free_port(), folder
        self._process: subprocess.Popen[bytes] | None = None
        self._client = ["-p", str(self.port), "-h", "localhost"]
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {str(not users).lower()}", "user root"]
        for name, password in (users or {}).items():
            words = ["-b"] if (folder / "users").exists() else ["-c", "-b"]
            subprocess.run([_program("mosquitto_passwd"), *words, folder / "users", name, password], check=True)
            self._client += ["-u", name, "-P", password]
        if users:
            lines.append(f"password_file {folder / 'users'}")
        if tls:
            self._make_certificate()
            lines += [f"certfile {self.ca}", f"keyfile {folder / 'key.pem'}"]
            self._client += ["--cafile", str(self.ca)]
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text("\n".join(lines) + "\n")

    @property
    def ca(self) -> Path:
        return self.folder / "certificate.pem"

    def _make_certificate(self) -> None:
        words = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        names = [
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            str(self.folder / "key.pem"),
            "-out",
            str(self.ca),
        ]
        subprocess.run([_program("openssl"), "req", *words, *names], check=True, capture_output=True)

    def start(self) -> None:
        command: list[str | Path] = [_program("mosquitto"), "-c", self._configuration]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, "the broker answers")

    def answers(self) -> bool:
        command = [_program("mosquitto_pub"), *self._client, "-t", "test", "-n"]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0

    def retained(self, topic: str) -> bytes:
        """Return what a subscriber that comes now is told at once."""
        command = [_program("mosquitto_sub"), *self._client, "-t", topic, "-C", "1", "-N", "-W", "60"]
        return subprocess.run(command, capture_output=True, timeout=70, check=True).stdout

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)

    @contextmanager
    def listening(self, topic: str = "#") -> Iterator["Listener"]:
        """Listen as a subscriber of its own, until the block ends."""
        path = self.folder / "heard"
        command = [_program("mosquitto_sub"), *self._client, "-t", topic, "-q", "1", "-F", "%j"]
        with path.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL) as process:
            try:
                yield Listener(path)
            finally:
                process.kill()


class Listener:
    """What a subscriber has heard."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self, topic: str) -> list[dict[str, Any]]:
        """Return the messages of topics that end so, oldest first: topic, payload, retain, qos."""
        lines = self._path.read_bytes().split(b"\n")[:-1]
        messages = [json.loads(line.decode(errors="replace")) for line in lines]
        return [message for message in messages if str(message["topic"]).endswith(topic)]

    def payloads(self, topic: str) -> list[str]:
        return [str(message["payload"]) for message in self.all(topic)]

    def until(self, topic: str, *payloads: str) -> None:
        """Wait until the last payloads of a topic are these."""
        wait_until(lambda: self.payloads(topic)[-len(payloads) :] == list(payloads), f"{topic}: {payloads}")
