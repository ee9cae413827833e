# SPDX-License-Identifier: Apache-2.0
"""Finds faults of a ring, its writer and its readers while they live."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator

from ...commandline.output import counted
from ...info import State
from ...machine import EARLIEST_S
from ...published import PublishedConsumer
from .. import units
from ..list import tell_writer
from ..survey import Survey
from .findings import Finding

CLOCK_TOLERANCE_S = 1.0
SLOW_SHARE = 0.001  # share of frames missed or dropped that is still no finding


def _stalled(look: Survey) -> Iterator[Finding]:
    if look.is_stalled:
        yield Finding(
            "stalled-writer",
            look.name,
            f"its writer ({tell_writer(look)}) lives and has written nothing for {units.seconds(look.age_s)}",
            "readers get no picture",
            "look at the writer's log, at the camera's cable and at dmesg",
        )
    elif look.info.state == State.LIVE and look.info.frames == 0:
        yield Finding(
            "no-frame",
            look.name,
            "its writer lives and has never written a frame",
            "readers get no picture",
            "look at the writer's log: does the camera deliver?",
        )


def _gop(look: Survey) -> Iterator[Finding]:
    if look.gop_exceeds_ring:
        yield Finding(
            "gop-exceeds-ring",
            look.name,
            f"its {look.info.slots} slots hold no keyframe: the GOP is longer than the ring",
            "a reader that joins, or that was too slow, waits for a whole GOP before it can decode",
            f"set the encoder's GOP below {look.info.slots} frames, or give the ring more slots",
        )
    elif look.unflagged:
        yield Finding(
            "entry-points-not-flagged",
            look.name,
            f"decoding can begin at {look.unflagged} of the frames in it that its writer does not flag as keyframes",
            "readers that begin at a keyframe, or were too slow, wait for one that is flagged",
            "let its writer set is_keyframe=1 at IDR pictures and recovery points, and for the latter flag 16",
        )


def _drops(look: Survey) -> Iterator[Finding]:
    info = look.info
    if info.dropped_too_large:
        yield Finding(
            "frames-too-large",
            look.name,
            f"{info.dropped_too_large} frames were larger than a slot ({units.size(info.slot_size)}) and dropped",
            "most of these are keyframes: decoding breaks until the next one",
            "lower the bitrate or quality, or give the ring larger slots",
        )
    if info.dropped_no_space:
        yield Finding(
            "no-space",
            look.name,
            f"{info.dropped_no_space} frames were dropped because /dev/shm was full",
            "the ring's name had been removed, and there was no room to make it anew",
            "free /dev/shm or enlarge it",
        )
    if info.dropped_busy and info.dropped_busy > SLOW_SHARE * info.frames:
        yield Finding(
            "writer-busy",
            look.name,
            f"{info.dropped_busy} of {info.frames} frames were dropped because the ring was busy",
            "a version 1 program holds the write semaphore, or two threads write at once",
            "write from one thread, and find out which version 1 programs run",
        )
    if info.remade:
        yield Finding(
            "name-removed",
            look.name,
            f"its name was removed from /dev/shm {counted(info.remade, 'time')} while in use; its writer made it anew",
            "readers lose frames each time; some program cleans up /dev/shm",
            "find out whether RemoveIPC or a clean-up script does it, or run the writer as a system user",
        )


def _clock(look: Survey) -> Iterator[Finding]:
    info = look.info
    if not info.extended or info.state != State.LIVE:
        return
    now_s = time.time()
    stepped_s = (time.time_ns() - time.monotonic_ns() - info.realtime_offset_ns) / 1e9
    if now_s < EARLIEST_S:
        yield Finding(
            "clock-not-set",
            look.name,
            f"the wall clock says {time.strftime('%Y-%m-%d', time.gmtime(now_s))}",
            "the time in every frame is wrong",
            "set up time synchronisation (timedatectl set-ntp true), or a battery for the clock",
        )
    elif info.realtime_offset_ns and abs(stepped_s) > CLOCK_TOLERANCE_S:
        yield Finding(
            "clock-stepped",
            look.name,
            f"the wall clock was set by {units.seconds(stepped_s)} since the writer last looked at it",
            "times in frames before and after do not fit together",
            "let the writer start after time synchronisation (After=time-sync.target)",
        )


def _permissions(look: Survey) -> Iterator[Finding]:
    if look.info.mode & stat.S_IWOTH:
        yield Finding(
            "anybody-writes",
            look.name,
            f"anybody on this machine may write into it (mode {look.info.mode & 0o777:04o})",
            "any program can alter the picture that others analyse",
            "let the writer use mode 0660, and a group for those who may read",
        )


ASPECTS: tuple[Callable[[Survey], Iterator[Finding]], ...] = (
    _stalled,
    _gop,
    _drops,
    _clock,
    _permissions,
)


def check_ring(look: Survey) -> list[Finding]:
    """Return all findings about one ring."""
    return [finding for aspect in ASPECTS for finding in aspect(look)]


def check_readers(look: Survey, published: list[PublishedConsumer]) -> list[Finding]:
    """Return the findings about readers of the ring that publish their counters."""
    return [
        Finding(
            "slow-reader",
            look.name,
            f"reader {reader.pid} {reader.name} missed {reader.missed} of {reader.span} frames",
            "it takes longer for a frame than the camera does, until the ring laps it",
            "let it read keyframes only, or the newest only, or do its work in a thread of its own",
        )
        for reader in published
        if reader.alive and reader.identity == look.info.identity and reader.missed > SLOW_SHARE * reader.span
    ]
