# SPDX-License-Identifier: Apache-2.0
"""Containers by Podman itself, where it is: a volume in memory, a read-only reader, and the files that are shipped."""

import configparser
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from writers import BUILD, ROOT, wait_until

SHIPPED = ROOT / "lib/doc/containers"
IMAGE = "localhost/video-shm-test-nothing"
FOLDERS = ("usr", "proc", "sys", "dev", "tmp", "etc", "run")
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin"}
LIMIT = 600  # seconds, of a machine that is busy


class Podman:
    """Podman with a storage of its own, and containers that have this machine's programs, read-only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        storage = folder / "storage.conf"
        lines = ['driver="vfs"', f'graphroot="{folder / "graph"}"', f'runroot="{folder / "run"}"']
        storage.write_text("\n".join(["[storage]", *lines]) + "\n")
        self.environment = os.environ | {"CONTAINERS_STORAGE_CONF": str(storage)}
        self.options = ["--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]
        if shutil.which("runc"):  # crun goes without some cgroups less
            self.options += ["--runtime", "runc"]
        seen = {Path("/usr"), Path(sys.base_prefix).resolve(), ROOT, BUILD, Path(sys.prefix)}
        for path in sorted(seen):
            self.options += ["-v", f"{path}:{path}:ro"]
        self.options += ["-e", f"PYTHONPATH={ROOT}", "-e", f"VSHM_LIBRARY={BUILD / 'libvideo_shm.so'}"]

    def __call__(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        command = ["podman", *words]
        done = subprocess.run(
            command, capture_output=True, text=True, env=self.environment, timeout=LIMIT, check=False, cwd="/"
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def run(self, *words: str, volume: str, check: bool = True) -> str:
        done = self("run", "--rm", *self.options, "-v", volume, IMAGE, *words, check=check)
        return done.stdout

    def make_image(self) -> None:
        """Make an image of empty folders."""
        archive = self.folder / "nothing.tar"
        with tarfile.open(archive, "w") as tar:
            for name in FOLDERS:
                member = tarfile.TarInfo(name)
                member.type, member.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
                tar.addfile(member)
            for name, target in LINKS.items():
                member = tarfile.TarInfo(name)
                member.type, member.linkname = tarfile.SYMTYPE, target
                tar.addfile(member)
        self("import", "-q", str(archive), IMAGE)


@functools.cache
def why_not() -> str | None:
    """Return what is missing here for Podman."""
    if os.geteuid() != 0:
        return "needs root, for a storage and volumes of its own"
    if shutil.which("podman") is None:
        return "no podman here: apt-get install podman runc"
    return None


@pytest.fixture
def podman(tmp_path: Path) -> Iterator[Podman]:
    if told := why_not():
        pytest.skip(told)
    podman = Podman(tmp_path)
    podman.make_image()
    tried = podman("run", "--rm", *podman.options, IMAGE, sys.executable, "-c", "print(1)", check=False)
    try:
        if tried.returncode != 0:
            pytest.skip(f"Podman runs no container here: {tried.stderr.strip()}")
        yield podman
    finally:
        podman("rm", "-f", "-a", "-t", "0", check=False)
        podman("volume", "rm", "-f", "-a", check=False)
        podman("rmi", "-f", IMAGE, check=False)


@contextmanager
def writing(podman: Podman, volume: str) -> Iterator[str]:
    """Run a writer in a container of its own."""
    camera = [sys.executable, "-m", "hil.streamer", "--device", "testsrc:160x96@30", "--channel", "0:encoder=libx264"]
    name = podman("run", "-d", *podman.options, "-v", volume, IMAGE, *camera).stdout.strip()
    try:
        yield name
    finally:
        podman("rm", "-f", "-t", "0", name, check=False)


def listed(podman: Podman, volume: str) -> dict[str, Any]:
    said = podman.run(sys.executable, "-m", "vshm_ctypes", "list", "--json", volume=volume, check=False)
    rings: list[dict[str, Any]] = json.loads(said)["rings"] if said else []
    return rings[0] if rings else {}


def test_containers_of_podman_share_a_volume_in_memory(podman: Podman) -> None:
    pytest.importorskip("av")
    podman("volume", "create", *volume_options(), "rings")
    with writing(podman, "rings:/dev/shm") as name:
        wait_until(lambda: bool(listed(podman, "rings:/dev/shm:ro").get("fps")), "frames are seen")
        check = [sys.executable, "-m", "vshm_ctypes", "check", "--json"]
        found = json.loads(podman.run(*check, volume="rings:/dev/shm:ro", check=False))["findings"]
        assert [one["code"] for one in found if one["code"] in ("shm-on-disk", "no-access", "no-ring")] == []
        podman("kill", name)
        wait_until(lambda: listed(podman, "rings:/dev/shm:ro").get("state", "dead") == "dead", "its death is seen")


def test_a_writer_in_a_container_ends_when_it_is_stopped(podman: Podman) -> None:
    """As process 1 it has no default action for SIGTERM: without a handler Podman would wait, and kill it."""
    pytest.importorskip("av")
    podman("volume", "create", *volume_options(), "rings")
    with writing(podman, "rings:/dev/shm") as name:
        wait_until(lambda: bool(listed(podman, "rings:/dev/shm:ro").get("fps")), "frames are seen")
        podman("stop", "-t", str(LIMIT - 60), name)
        assert podman("inspect", "-f", "{{.State.ExitCode}}", name).stdout.strip() == "0"


# ---- the files that are shipped ----


def volume_options() -> list[str]:
    """Return how the shipped unit makes the volume."""
    unit = shipped("video-shm-rings.volume")["Volume"]
    options = {"type": unit["Type"], "device": unit["Device"], "o": unit["Options"]}
    return [word for name, value in options.items() for word in ("--opt", f"{name}={value}")]


def shipped(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(SHIPPED / name)
    return parser


def test_the_shipped_files_tell_the_same() -> None:
    compose = (SHIPPED / "compose.yaml").read_text()
    image = (SHIPPED / "Containerfile").read_text()
    volume = shipped("video-shm-rings.volume")["Volume"]
    assert f'{{type: {volume["Type"]}, device: {volume["Device"]}, o: "{volume["Options"]}"}}' in compose
    for unit in SHIPPED.glob("*.container"):
        container = shipped(unit.name)["Container"]
        assert container["Exec"] in compose, unit.name
        writes = container["Exec"].startswith("camera-streamer")
        assert container["Volume"] == f"video-shm-rings.volume:/dev/shm{'' if writes else ':ro'}"
        assert container["ReadOnly"] == "true"
    assert re.findall(r'"rings:/dev/shm(.*?)"', compose) == ["", ":ro", ":ro", ":ro"]
    assert "USER 900:44" in image


def test_the_compose_file_is_one() -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("no docker-compose here: apt-get install docker-compose")
    command = [program, "-f", str(SHIPPED / "compose.yaml"), "config", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr


def test_quadlet_makes_units_of_the_shipped_files(tmp_path: Path) -> None:
    program = next((path for path in map(Path, QUADLETS) if path.exists()), None)
    if program is None:
        pytest.skip("no quadlet here: apt-get install podman, 4.4 or newer")
    environment = os.environ | {"QUADLET_UNIT_DIRS": str(SHIPPED)}
    command = [str(program), "-dryrun"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    for unit in (*SHIPPED.glob("*.container"), Path("video-shm-rings-volume")):
        assert f"---{unit.stem}.service---" in done.stdout + done.stderr


QUADLETS = ("/usr/libexec/podman/quadlet", "/usr/lib/podman/quadlet")
