# SPDX-License-Identifier: Apache-2.0
"""Who gets to the rings: by Zenoh's own configuration, which is handed on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from machines import PORT, Machine, two_machines
from vshm import vshm
from writers import WATCHDOG_S, wait_until

pytest.importorskip("zenoh", reason="eclipse-zenoh is not installed: pip install 'video-shm[relay]'")


def config(path: Path, section: str, endpoint: str, **usrpwd: str) -> str:
    """Write a configuration of Zenoh's that asks for a password, or has one."""
    told = {
        section: {"endpoints": [endpoint]},
        "listen" if section == "connect" else "connect": {"endpoints": []},
        "scouting": {"multicast": {"enabled": False}},
        "transport": {"auth": {"usrpwd": usrpwd}},
    }
    path.write_text(json.dumps(told))
    return str(path)


def listed(machine: Machine, words: str) -> subprocess.CompletedProcess[str]:
    return machine.vshm("relay", "list", "-t", "1", "--config", words)


def test_a_configuration_asks_for_passwords_and_none_is_told(tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text("viewer:open-sesame\n")
    with two_machines() as (near, far):
        at = f"tcp/{near.address}:{PORT}"
        asks = config(
            tmp_path / "asks.json5", "listen", at, dictionary_file=str(users), user="front", password="front-door"
        )
        exporter = near.start(
            *(sys.executable, "-c", CAMERA), "-m", "vshm_ctypes", "relay", "export", "cam", "--config", asks,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            right = config(tmp_path / "right.json5", "connect", at, user="viewer", password="open-sesame")
            wait_until(lambda: listed(far, right).returncode == 0, "who has the password sees the ring")
            for words in ({"user": "viewer", "password": "wrong-one"}, {}):
                answer = listed(far, config(tmp_path / "wrong.json5", "connect", at, **words))
                assert answer.returncode == 1
                assert "nothing is exported" in answer.stderr
        finally:
            exporter.terminate()
            _, said = exporter.communicate(timeout=WATCHDOG_S)
        assert exporter.returncode == 0
        assert "sesame" not in said
        assert "front-door" not in said


CAMERA = """
import runpy, sys
sys.argv = sys.argv[2:]
from vshm_ctypes import Producer
producer = Producer("cam")
producer.write(b"picture", keyframe=True)
runpy.run_module("vshm_ctypes", run_name="__main__", alter_sys=True)
"""


def test_what_is_no_endpoint_and_a_file_that_is_not_there_are_named(tmp_path: Path) -> None:
    for option, wrong in (("--connect", "front.local:7447"), ("--listen", "7447")):
        told = vshm("relay", "list", option, wrong)
        assert told.code == 2
        assert told.err == f"vshm: {wrong}: no endpoint: PROTOCOL/ADDRESS, such as tcp/front.local:7447\n"
    told = vshm("relay", "list", "--config", str(tmp_path / "none.json5"))
    assert told.code == 1
    assert f"{tmp_path / 'none.json5'}: No such file or directory" in told.err
