# SPDX-License-Identifier: Apache-2.0
"""Channels of harness and gate: nothing stays of them, whoever was killed on them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from writers import SHARED_MEMORY

from hil.blocks.channel import free_channel, remove_all_of
from hil.gate.stage import Actor, Stage, await_cue
from hil.workers.shared_memory import published_for, remove_channel, ring_names
from vshm_ctypes import Consumer, Producer


def left_of(channel: int) -> list[Path]:
    return [path for path in (*ring_names(channel), *published_for({channel})) if path.exists()]


def reading(channel: int) -> Actor:
    """Start a process that writes a channel's ring, reads it, and publishes its counters."""

    def play() -> Iterator[str]:
        with Producer(channel), Consumer(channel, publish=True) as stream:
            stream.receive(0)
            yield "it reads"
            await_cue()

    actor = Actor(play)
    assert actor.hear() == "it reads"
    assert len(left_of(channel)) == 4
    return actor


def test_a_stage_leaves_nothing_of_actors_that_publish() -> None:
    with Stage() as stage:
        stage._actors.append(reading(stage.channel))
    assert left_of(stage.channel) == []


def test_what_readers_published_goes_with_all_channels_of_a_process() -> None:
    channel = free_channel()
    reading(channel).kill()
    assert len(left_of(channel)) == 4
    remove_all_of(os.getpid())
    assert left_of(channel) == []


@pytest.mark.usefixtures("alone", "watchdog")
def test_others_readers_and_what_is_no_file_stay() -> None:
    channel, others = free_channel(), free_channel()
    os.mkfifo(SHARED_MEMORY / "vshm_consumer_1_pipe")
    with Producer(others), Consumer(others, publish=True):
        remove_channel(channel)
        assert len(left_of(others)) == 4
    assert [path.name for path in SHARED_MEMORY.iterdir()] == ["vshm_consumer_1_pipe"]
