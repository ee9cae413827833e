# SPDX-License-Identifier: Apache-2.0
"""Hosts that lack something, or hide it: what could not be seen is said, and never taken for gone."""

import os
import subprocess
from collections.abc import Iterator

import pytest
from hosts import ANOTHER_USER, HIDDEN_PROCESSES, NO_PROC, NO_SHARED_MEMORY, PLAIN, Host
from vshm import vshm
from writers import BUILD, Channel, wait_until

from vshm_ctypes import ProducerNotRunning, inspect

NOBODY = 65534


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


@pytest.mark.parametrize("proc", [HIDDEN_PROCESSES, NO_PROC], ids=lambda host: host.name)
@pytest.mark.parametrize("user", [PLAIN, ANOTHER_USER], ids=lambda host: host.name)
def test_clean_leaves_the_ring_of_a_writer_that_it_can_not_see(
    channel: Channel, old_camera: str, proc: Host, user: Host
) -> None:
    there = channel.paths
    assert old_camera
    outcome = vshm("check", "--clean", "--json", host=proc | user)
    assert outcome.out, outcome.err
    told = outcome.json
    assert told["removed"] == []
    assert channel.paths == there
    if proc is NO_PROC or user is ANOTHER_USER:
        assert "/proc" in told["unseen"]
    assert not [found for found in told["findings"] if found["code"] == "abandoned-ring"]


def test_without_shared_memory_a_host_is_told_what_it_lacks() -> None:
    for verb in ("list", "show", "check"):
        outcome = vshm(verb, host=NO_SHARED_MEMORY)
        assert outcome.code == 1, (verb, outcome.err)
        assert "mount a tmpfs at /dev/shm" in outcome.err
        assert "camera-streamer" not in outcome.err
    outcome = vshm("show", "/vshm_pytest_nothing")
    assert "start its producer" in outcome.err
