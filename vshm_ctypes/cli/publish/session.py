# SPDX-License-Identifier: Apache-2.0
"""Muxes the frames of several rings into one session with a server, their times by the clock of capture.

A session begins once each ring has a frame at which decoding can begin, or without those that keep it waiting. It ends,
and another one begins, when a ring changes what the session has said of it, or when one comes that was not there.
"""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ...bitstream import StreamError
from ...codec import codec_name
from ...decodable import Decodable, Picture
from ...frame import Frame
from .. import units
from ..record.picture_track import PictureTrack
from ..record.sink import SinkError, time_ns
from ..record.sound_track import SoundTrack
from .destination import Destination
from .messages import Message
from .outlet import limit_sockets, opened

GRACE_S = 2.0  # how long rings that have a frame wait for those that have none
MOST_BYTES = 16 << 20  # that wait for a session
LEAD_NS = 1_000_000_000  # the session's time 0 lies so long before its first frame
_TRIAL = "matroska"  # takes all codecs, and opens their encoders as any other
Tell = Callable[..., None]


class Lane:
    """One ring in a session."""

    def __init__(self, ring: str) -> None:
        self.ring = ring
        self.decodable = Decodable()
        self.pending: deque[Picture | Frame] = deque()
        self.track: PictureTrack | SoundTrack | None = None
        self.numbers: deque[int] = deque()  # of the frames that are in the track, in decoding order
        self.unfit: object = None  # the kind of frames of which no track can be made
        self.has_leapt = False  # since the last session began: its times of capture are no longer those of the others

    def restart(self) -> None:
        """Leave the session that is over."""
        self.track, self.has_leapt = None, False
        self.decodable.skip()


def frame_of(unit: Picture | Frame) -> Frame:
    """Return the frame of a picture, or the frame of sound itself."""
    return unit.frame if isinstance(unit, Picture) else unit


def kind_of(frame: Frame) -> object:
    """Return what makes one track unfit for the frames of another."""
    return (frame.codec, frame.audio[:2] if frame.audio is not None else (frame.width, frame.height))


class Session:
    """What is published to one address.

    Args:
        av: the module.
        target: where to.
        rings: names of the rings.
        tell: is called with "sent" or "refused", the index of a ring and the number of its frame; with "up"; and with
            "say" and a text.
    """

    def __init__(self, av: ModuleType, target: Destination, rings: list[str], tell: Tell) -> None:
        self._av, self._target, self._tell = av, target, tell
        self._lanes = [Lane(ring) for ring in rings]
        self._container: Any = None
        self._sink: Any = None
        self._since_s = 0.0
        self._base_ns = 0
        self._told: set[tuple[int, str]] = set()

    def take(self, message: Message) -> None:
        """Take the next frame of a ring. Raises OSError, av.error.FFmpegError if the far side is gone."""
        index, frame = message.ring, message.frame
        lane = self._lanes[index]
        lane.has_leapt = lane.has_leapt or message.has_leap
        if message.has_gap or message.has_leap:
            lane.decodable.skip()
        unit = self._usable(index, frame)
        if unit is None:
            return
        if self._container is not None and not self._fits(lane, unit):
            unit = self._begin_anew(index, unit)
            if unit is None:
                return
        if self._container is None:
            self._wait(lane, unit)
        else:
            self._mux(index, unit)

    def _usable(self, index: int, frame: Frame) -> Picture | Frame | None:
        if self._lanes[index].unfit == kind_of(frame):
            self._refuse(index, frame.number, None)
            return None
        try:
            fitted = Frame(frame._view, self._target.fitted(frame.codec, frame.data))
        except StreamError as error:
            self._refuse(index, frame.number, str(error))
            return None
        if frame.audio is not None:
            return fitted
        decodable = self._lanes[index].decodable
        picture = decodable.take(fitted)
        if picture is None:
            self._refuse(index, frame.number, decodable.refusal)
        return picture

    def _refuse(self, index: int, number: int, why: str | None) -> None:
        self._tell("refused", index, number)
        if why is not None and (index, why) not in self._told:
            self._told.add((index, why))
            self._tell("say", f"{self._lanes[index].ring}: frame {number}: {why}")

    def _fits(self, lane: Lane, unit: Picture | Frame) -> bool:
        if lane.has_leapt:
            return False
        if isinstance(unit, Picture):
            return isinstance(lane.track, PictureTrack) and lane.track.fits(unit)
        return isinstance(lane.track, SoundTrack) and lane.track.fits(unit)

    def _begin_anew(self, index: int, unit: Picture | Frame) -> Picture | Frame | None:
        """End the session. Returns the frame as the first of another one, or None if it can't be that."""
        lane = self._lanes[index]
        if isinstance(unit, Picture) and not unit.begins:
            lane.decodable.skip()
            again = self._usable(index, unit.frame)
            if again is None:
                return None
            unit = again
        format_or_times = "leapt in its times of capture" if lane.has_leapt else "changed its format"
        why = "came" if lane.track is None else format_or_times
        self._tell("say", f"{lane.ring} {why}: the session with the server begins anew")
        self.close()
        for other in self._lanes:
            if other is not lane:
                other.restart()
        lane.track, lane.has_leapt = None, False
        return unit

    def _wait(self, lane: Lane, unit: Picture | Frame) -> None:
        if not any(one.pending for one in self._lanes):
            self._since_s = time.monotonic()
        lane.pending.append(unit)
        waiting = sum(frame_of(unit).size for one in self._lanes for unit in one.pending)
        has_waited = time.monotonic() - self._since_s >= GRACE_S or waiting > MOST_BYTES
        if has_waited or all(one.pending for one in self._lanes):
            self._open()

    def _open(self) -> None:
        self._leave_out_unfit()
        members = [lane for lane in self._lanes if lane.pending]
        if not members:
            return
        if len(members) < len(self._lanes):
            absent = ", ".join(lane.ring for lane in self._lanes if not lane.pending and lane.unfit is None)
            if absent:
                self._tell("say", f"{absent}: nothing comes: the session begins without, and anew once something does")
        begin_ns = min(time_ns(frame_of(unit)) for lane in members for unit in lane.pending)
        self._base_ns = begin_ns - LEAD_NS
        self._sink, self._container = opened(self._av, self._target, self._base_ns)
        for lane in members:
            lane.track, lane.has_leapt = self._track(self._container, lane.pending[0]), False
        self._container.start_encoding()
        limit_sockets()
        self._tell("up")
        waiting = [(index, unit) for index, lane in enumerate(self._lanes) for unit in lane.pending]
        for lane in members:
            lane.pending.clear()
        for index, unit in sorted(waiting, key=lambda one: time_ns(frame_of(one[1]))):
            self._mux(index, unit)

    def _track(self, container: Any, first: Picture | Frame) -> PictureTrack | SoundTrack:
        if isinstance(first, Picture):
            return PictureTrack(self._av, container, self._target.muxer, first)
        return SoundTrack(container, first)

    def _leave_out_unfit(self) -> None:
        """Refuse the frames of which no track can be made, before the others' session fails for that."""
        for index, lane in enumerate(self._lanes):
            if not lane.pending:
                continue
            first = lane.pending[0]
            try:
                with self._av.open(io.BytesIO(), "w", format=_TRIAL) as trial:
                    self._track(trial, first)
                    trial.start_encoding()
            except (OSError, ValueError, self._av.error.FFmpegError) as error:
                frame = frame_of(first)
                lane.unfit = kind_of(frame)
                what = f"{codec_name(frame.codec)} {units.stream(frame.width, frame.height, frame.audio)}"
                told = f"FFmpeg makes no stream of it: {getattr(error, 'strerror', None) or error}"
                why = error.strerror if isinstance(error, SinkError) else f"{what}: {told}"
                self._tell("say", f"{lane.ring}: {why}: it is left out")
                while lane.pending:
                    self._refuse(index, frame_of(lane.pending.popleft()).number, None)

    def _mux(self, index: int, unit: Picture | Frame) -> None:
        lane = self._lanes[index]
        if isinstance(lane.track, SoundTrack) and isinstance(unit, Frame):
            try:
                packet = lane.track.packet(self._av, unit, self._base_ns)
            except SinkError as error:
                return self._refuse(index, unit.number, error.strerror)
            if packet is None:
                return self._refuse(index, unit.number, None)
            self._write(index, packet, unit.number)
        elif isinstance(lane.track, PictureTrack) and isinstance(unit, Picture):
            lane.numbers.append(unit.frame.number)
            self._mux_pictures(index, lane.track.packets(unit))
        return None

    def _mux_pictures(self, index: int, packets: Any) -> None:
        lane = self._lanes[index]
        assert isinstance(lane.track, PictureTrack)
        for packet in packets:
            ticks = round(((lane.track.begin_ns or 0) - self._base_ns) * packet.time_base.denominator / 1_000_000_000)
            packet.pts += ticks
            packet.dts += ticks
            packet.duration = 0
            self._write(index, packet, lane.numbers.popleft())

    def _write(self, index: int, packet: Any, number: int) -> None:
        self._container.mux(packet)
        self._tell("sent", index, number)

    def close(self) -> None:
        """End the session with the server, which is told. Raises OSError, av.error.FFmpegError."""
        if self._container is None:
            return
        container, sink = self._container, self._sink
        try:
            for index, lane in enumerate(self._lanes):
                if isinstance(lane.track, PictureTrack):
                    self._mux_pictures(index, lane.track.last_packets())
        finally:
            self._container = self._sink = None
            try:
                container.close()
            finally:
                if sink is not None:
                    sink.close()
