# SPDX-License-Identifier: Apache-2.0
"""Measures rings by inspecting them once or twice: rates, GOP, age, state. It is the base of list, show and check."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..audio import AudioFormat
from ..codec import codec_name
from ..consumer import Consumer
from ..errors import VideoShmError
from ..frame import Media
from ..info import RingInfo, State
from ..inspect import SlotInfo, inspect, inspect_slots
from ..processes import is_at_its_pid, process_name
from ..rings import Ring
from .mean_frame import counted_gop
from .rates import Rates, between, of_slots

STALLED_S = 2.0


@dataclass(frozen=True, slots=True)
class Survey:
    """What was measured of one ring.

    Attributes:
        name: name of the ring.
        info: its figures at the end of the measurement.
        fps: frames per second; None if nothing was written meanwhile.
        bit_rate: bits per second. Measured for some seconds, it is what was written meanwhile. Measured at once, or of
            version 1, it is the frame rate times the size of a mean frame, where a keyframe counts as often as one
            comes; without a keyframe in the ring, or two, that leans on the writer's counters, which run over its whole
            life (see mean_frame). None if it can't be told within a few percent.
        gop: frames from the last keyframe but one to the last, or their average distance if only the last one is in
            the ring; None if it can't be told.
        age_s: seconds since the newest frame; None if there is none yet.
        codec: name of the newest frame's codec; None if there is no frame.
        width: width in pixels; 0 for audio.
        height: height in pixels; 0 for audio.
        audio: format of an audio frame; None for pictures.
        writer_name: None if the writer is gone, or in another container.
        slots: the slots that hold a whole frame, oldest first.
        unflagged: entry points that the writer does not flag as keyframes; counted only if a late reader may find no
            keyframe in the ring.
    """

    name: str
    info: RingInfo
    fps: float | None
    bit_rate: float | None
    gop: int | None
    age_s: float | None
    codec: str | None
    width: int
    height: int
    audio: AudioFormat | None
    writer_name: str | None
    slots: list[SlotInfo] = field(repr=False)
    unflagged: int = 0

    @property
    def state(self) -> str:
        """live, closed, dead, or v1 for a version 1 writer, which may or may not live."""
        return "v1" if not self.info.extended else self.info.state.name.lower()

    @property
    def is_stalled(self) -> bool:
        """Whether the writer lives but has written nothing for two seconds."""
        return self.info.state == State.LIVE and self.age_s is not None and self.age_s > STALLED_S

    @property
    def gop_exceeds_ring(self) -> bool:
        """Whether a late reader may find no keyframe in the ring, since the GOP is longer than the ring."""
        info = self.info
        if self.codec in ("jpeg", None) or info.media == Media.AUDIO or info.frames < info.slots or self.unflagged:
            return False
        return (self.gop or 0) > info.slots or not any(slot.is_keyframe for slot in self.slots)

    @property
    def keyframes(self) -> dict[str, int]:
        """How many frames in the ring are flagged as keyframes of each kind."""
        recovery_points = sum(slot.is_recovery_point for slot in self.slots)
        return {
            "idr": sum(slot.is_keyframe for slot in self.slots) - recovery_points,
            "recovery_point": recovery_points,
        }


def codecs_now(ring: Ring) -> set[int]:
    """Return the codecs of the frames in the ring; empty if it has none yet, or does not exist."""
    with suppress(VideoShmError):
        return {slot.meta.codec for slot in inspect_slots(ring)}
    return set()


def _joined(before: list[SlotInfo], after: list[SlotInfo]) -> list[SlotInfo]:
    """Return the slots of two looks in the order of their numbers; of the later one only if frames between are lost."""
    if before and after and before[0].number < after[0].number <= before[-1].number + 1:
        return [slot for slot in before if slot.number < after[0].number] + after
    return after


def _gop(slots: list[SlotInfo], info: RingInfo) -> int | None:
    keys = [slot.number for slot in slots if slot.is_keyframe]
    if len(keys) >= 2:
        return keys[-1] - keys[-2]
    return round(counted_gop(keys[-1], info.keyframes)) if keys and info.keyframes >= 2 else None


class _Look(NamedTuple):
    """A ring at one moment."""

    info: RingInfo
    at_ns: int  # of CLOCK_MONOTONIC, once its figures were read
    slots: list[SlotInfo]


def _look(name: str) -> _Look:
    return _Look(inspect(name), time.monotonic_ns(), sorted(inspect_slots(name), key=lambda slot: slot.number))


def _writer_name(info: RingInfo) -> str | None:
    return process_name(info.writer_pid) if info.state == State.LIVE and is_at_its_pid(info) else None


def _age_s(look: _Look, newest: SlotInfo | None) -> float | None:
    if look.info.last_publish_ns:
        return max(look.at_ns - look.info.last_publish_ns, 0) / 1e9
    if look.info.extended or newest is None:
        return None
    return max(time.time() - newest.meta.timestamp_ms / 1000, 0.0)  # version 1 has the wall clock only


def _count_unflagged(name: str, frames: int) -> int:
    """Count entry points that are not flagged: some writers flag no recovery points, and some flag nothing."""
    from ..bitstream import EntryPoint, entry_point  # which few rings need

    count = 0
    with suppress(VideoShmError), Consumer(name, start="oldest") as stream:
        for _ in range(frames):
            frame = stream.receive(0)
            if frame is None:
                break
            count += not frame.is_keyframe and entry_point(frame.data, frame.codec) is not EntryPoint.NONE
    return count


def _compare(name: str, before: _Look) -> Survey:
    now = _look(name)
    slots = _joined(before.slots if before.info.identity == now.info.identity else [], now.slots)
    rates = between(before.info, now.info, (now.at_ns - before.at_ns) / 1e9, slots)
    return _survey(name, now, _gop(slots, now.info), rates)


def _at_once(name: str, look: _Look) -> Survey:
    rates = of_slots(look.slots, look.info, look.at_ns)
    return _survey(name, look, _gop(look.slots, look.info), rates)


def _survey(name: str, look: _Look, gop: int | None, rates: Rates) -> Survey:
    after, slots = look.info, look.slots
    newest = slots[-1] if slots else None
    audio = newest.meta.audio if newest else None
    found = Survey(
        name=name,
        info=after,
        fps=rates.fps,
        bit_rate=rates.bit_rate,
        gop=gop,
        age_s=_age_s(look, newest),
        codec=codec_name(newest.meta.codec) if newest else None,
        width=newest.meta.width if newest and not audio else 0,
        height=newest.meta.height if newest and not audio else 0,
        audio=audio,
        writer_name=_writer_name(after),
        slots=slots,
    )
    return replace(found, unflagged=_count_unflagged(name, len(slots))) if found.gop_exceeds_ring else found


def survey(names: list[str], seconds: float | None = 1.0) -> list[Survey]:
    """Inspect the rings now and again after some seconds. A ring that was removed meanwhile is left out.

    seconds: None to wait only where it must be, a second for rings of version 1, whose slots have no times.
    """
    looks = {}
    for name in names:
        with suppress(VideoShmError):
            looks[name] = _look(name)
    waiting = {name for name, look in looks.items() if seconds is not None or not look.info.extended}
    if waiting:
        time.sleep(1.0 if seconds is None else seconds)
    found = []
    for name, look in looks.items():
        with suppress(VideoShmError):
            if name in waiting:
                found.append(_compare(name, look))
            else:
                found.append(_at_once(name, _look(name) if waiting else look))
    return found


def survey_one(name: str, seconds: float | None = 1.0) -> Survey:
    """Inspect one ring, as survey() does. Raises ProducerNotRunning, IncompatibleRing, VideoShmError (EACCES)."""
    look = _look(name)
    if seconds is None and look.info.extended:
        return _at_once(name, look)
    time.sleep(1.0 if seconds is None else seconds)
    return _compare(name, look)
