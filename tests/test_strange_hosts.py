# SPDX-License-Identifier: Apache-2.0
"""Hosts that lack something, or hide it: what could not be seen is said, and never taken for gone."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest
from vshm import Outcome, vshm
from writers import BUILD, Channel, wait_until

from vshm_ctypes import ProducerNotRunning, inspect

NOBODY = 65534
AS_NOBODY = """
import os, sys
from vshm_ctypes.cli.main import build_parser, main
build_parser()
os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
sys.exit(main(sys.argv[1:]))
"""


def on_a_host(made: str, *words: str, program: Sequence[str] = ("-m", "vshm_ctypes")) -> Outcome:
    """vshm in a mount namespace that these shell commands make strange."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for a mount namespace")
    shell = f'{made} && exec "$@"'
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", shell, "sh", sys.executable, *program]
    result = subprocess.run([*command, *words], capture_output=True, text=True, timeout=60, check=False)
    return Outcome(result.returncode, result.stdout, result.stderr)


def writes(name: str) -> bool:
    try:
        return inspect(name).frames > 2
    except ProducerNotRunning:
        return False


@pytest.fixture
def old_camera(channel: Channel, alone: None) -> Iterator[str]:
    """The ring of a live writer of version 1, that nobody may read and remove, the user of this name."""
    name = f"/{channel.ring_path.name}"
    command = [str(BUILD / "tests" / "v1" / "v1_writer"), "-c", str(channel.number), "-f", "20"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as writer:
        try:
            wait_until(lambda: writes(name), "the writer writes")
            for path in channel.paths:
                os.chown(path, NOBODY, NOBODY)
            yield name
        finally:
            writer.terminate()


HIDDEN = "mount -t proc -o hidepid=2 proc /proc"
GONE = "mount -t tmpfs none /proc"


@pytest.mark.parametrize("made", [HIDDEN, GONE], ids=["hidepid", "no proc"])
@pytest.mark.parametrize("user", ["root", "nobody"])
def test_clean_leaves_the_ring_of_a_writer_that_it_can_not_see(
    channel: Channel, old_camera: str, made: str, user: str
) -> None:
    program = ["-c", AS_NOBODY.format(nobody=NOBODY)] if user == "nobody" else ["-m", "vshm_ctypes"]
    there = channel.paths
    assert old_camera
    outcome = on_a_host(made, "check", "--clean", "--json", program=program)
    assert outcome.out, outcome.err
    told = json.loads(outcome.out)
    assert told["removed"] == []
    assert channel.paths == there
    if made == GONE or user == "nobody":
        assert "/proc" in told["unseen"]
    assert not [found for found in told["findings"] if found["code"] == "abandoned-ring"]


def test_without_shared_memory_a_host_is_told_what_it_lacks() -> None:
    made = "mount -t tmpfs none /dev"
    for verb in ("list", "show", "check"):
        outcome = on_a_host(made, verb)
        assert outcome.code == 1, (verb, outcome.err)
        assert "mount a tmpfs at /dev/shm" in outcome.err
        assert "camera-streamer" not in outcome.err
    outcome = vshm("show", "/vshm_pytest_nothing")
    assert "start its producer" in outcome.err
