# SPDX-License-Identifier: Apache-2.0
"""What can be said of rings by looking at them twice: rates, GOP, age, state; list, show and check stand on it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ..errors import ProducerNotRunning, VideoShmError
from ..frame import Codec
from ..info import RingInfo, State
from ..inspect import SlotInfo, inspect, inspect_slots
from ..processes import process_name

STALLED_S = 2.0


@dataclass(frozen=True, slots=True)
class Survey:
    """One ring, looked at over some time.

    fps: frames per second; bit_rate: bits per second; None where nothing was written meanwhile, or cannot be told.
    gop: frames from the last but one keyframe to the last; None: the ring does not hold two. age_s: seconds since the
    newest frame; None: no frame yet, or a version 1 writer. slots: those that hold a whole frame, oldest first.
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
    writer_name: str | None
    slots: list[SlotInfo] = field(repr=False)

    @property
    def state(self) -> str:
        """live, closed, dead, or v1: a version 1 writer, of which it can't be told whether it lives."""
        return "v1" if not self.info.extended else self.info.state.name.lower()

    @property
    def is_stalled(self) -> bool:
        """Whether the writer lives and has written nothing for two seconds."""
        return self.info.state == State.LIVE and self.age_s is not None and self.age_s > STALLED_S

    @property
    def gop_exceeds_ring(self) -> bool:
        """Whether a late reader may find no keyframe in the ring."""
        info = self.info
        if self.codec in ("jpeg", None):
            return False
        return info.frames >= info.slots and not any(slot.is_keyframe for slot in self.slots)


def codec_name(codec: int) -> str:
    """In lower case; a codec that this version does not know shows as its number."""
    return Codec(codec).name.lower() if codec in set(Codec) else f"codec {codec}"


def _gop(slots: list[SlotInfo]) -> int | None:
    keys = [slot.number for slot in slots if slot.is_keyframe]
    return keys[-1] - keys[-2] if len(keys) >= 2 else None


def _rates(
    before: RingInfo, after: RingInfo, seconds: float, slots: list[SlotInfo]
) -> tuple[float | None, float | None]:
    frames = after.frames - before.frames
    if frames <= 0 or before.inode != after.inode:
        return None, None
    if before.last_publish_ns and after.last_publish_ns > before.last_publish_ns:  # from frame to frame: exact
        seconds = (after.last_publish_ns - before.last_publish_ns) / 1e9
    fps = frames / seconds
    if after.extended:
        return fps, (after.bytes - before.bytes) * 8 / seconds
    if not slots:
        return fps, None
    return fps, fps * 8 * sum(slot.meta.size for slot in slots) / len(slots)


def _survey_one(name: str, before: RingInfo, seconds: float) -> Survey:
    after = inspect(name)
    slots = sorted(inspect_slots(name), key=lambda slot: slot.number)
    newest = slots[-1] if slots else None
    fps, bit_rate = _rates(before, after, seconds, slots)
    age_s = (time.monotonic_ns() - after.last_publish_ns) / 1e9 if after.last_publish_ns else None
    return Survey(
        name=name,
        info=after,
        fps=fps,
        bit_rate=bit_rate,
        gop=_gop(slots),
        age_s=age_s,
        codec=codec_name(newest.meta.codec) if newest else None,
        width=newest.meta.width if newest else 0,
        height=newest.meta.height if newest else 0,
        writer_name=process_name(after.writer_pid) if after.writer_pid and after.state == State.LIVE else None,
        slots=slots,
    )


def survey(names: list[str], seconds: float = 1.0) -> list[Survey]:
    """Look at the rings now and again after some seconds. A ring that went away meanwhile is left out."""
    before = {}
    for name in names:
        try:
            before[name] = inspect(name)
        except ProducerNotRunning:
            continue
    started = time.monotonic()
    if before:
        time.sleep(seconds)
    found = []
    for name, info in before.items():
        try:
            found.append(_survey_one(name, info, time.monotonic() - started))
        except VideoShmError:
            continue
    return found


def survey_one(name: str, seconds: float = 1.0) -> Survey:
    """The same for one ring. Raises ProducerNotRunning, IncompatibleRing, VideoShmError (EACCES)."""
    before = inspect(name)
    started = time.monotonic()
    time.sleep(seconds)
    return _survey_one(name, before, time.monotonic() - started)
