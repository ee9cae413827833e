# SPDX-License-Identifier: Apache-2.0
"""vshm relay by TLS, which Zenoh's own configuration asks for, with an authority of the test's own."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from certificates import Certificates, certificates
from far_sides import free_port
from filmed import filmed
from publishing import is_part_of
from vshm import vshm
from writers import WATCHDOG_S, wait_until

from vshm_ctypes import Consumer, inspect

pytest.importorskip("zenoh", reason="eclipse-zenoh is not installed: pip install 'video-shm[relay]'")
RELAY = [sys.executable, "-m", "vshm_ctypes", "relay"]


def config(path: Path, side: str, endpoint: str, tls: dict[str, Any]) -> str:
    other = "connect" if side == "listen" else "listen"
    told = {side: {"endpoints": [endpoint]}, other: {"endpoints": []}, "transport": {"link": {"tls": tls}}}
    path.write_text(json.dumps({"scouting": {"multicast": {"enabled": False}}, **told}))
    return str(path)


def listening(path: Path, port: int, made: Certificates) -> str:
    tls = {"listen_certificate": str(made.certificate), "listen_private_key": str(made.key)}
    return config(path, "listen", f"tls/localhost:{port}", tls)


def connecting(path: Path, port: int, authority: Path) -> str:
    return config(path, "connect", f"tls/localhost:{port}", {"root_ca_certificate": str(authority)})


def test_a_ring_goes_over_tls_to_whoever_trusts_its_exporter(ring: str, tmp_path: Path) -> None:
    port, made = free_port(), certificates(tmp_path / "tls")
    exports = listening(tmp_path / "exports.json5", port, made)
    right = connecting(tmp_path / "right.json5", port, made.authority)
    wrong = connecting(tmp_path / "wrong.json5", port, certificates(tmp_path / "other").authority)
    plain = ["--connect", f"tcp/localhost:{port}"]
    copy = f"{ring}_copy"
    with filmed(ring) as camera:
        exporter = subprocess.Popen([*RELAY, "export", ring, "--board", "front", "--config", exports])
        importer = subprocess.Popen([*RELAY, "import", f"front{ring}", "--as", copy, "--config", right])
        try:
            wait_until(lambda: frames(copy) >= 30, "the ring is here")
            with Consumer(copy, start="oldest") as reader:
                arrived = [reader.receive(WATCHDOG_S) for _ in range(20)]
            assert vshm("relay", "list", "-t", "1", "--config", right).code == 0
            for words in (["--config", wrong], plain):
                outcome = vshm("relay", "list", "-t", "1", *words)
                assert outcome.code == 1 and "nothing is exported" in outcome.err, outcome
        finally:
            for process in (importer, exporter):
                process.send_signal(signal.SIGTERM)
                assert process.wait(WATCHDOG_S) == 0
    written = [one.data for one in camera.written]
    data = [frame.data for frame in arrived if frame is not None]
    assert len(data) == 20
    assert is_part_of(data, written, len(written))


def frames(name: str) -> int:
    try:
        return inspect(name).frames
    except OSError:
        return 0


@pytest.mark.parametrize("lacking", ["certificate", "key"])
def test_a_certificate_that_is_not_there_is_told_at_once(lacking: str, ring: str, tmp_path: Path) -> None:
    made = certificates(tmp_path / "tls")
    getattr(made, lacking).unlink()
    outcome = vshm("relay", "export", ring, "--config", listening(tmp_path / "exports.json5", free_port(), made))
    assert outcome.code == 1
    assert getattr(made, lacking).name in outcome.err or "No such file" in outcome.err, outcome.err
