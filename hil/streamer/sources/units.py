# SPDX-License-Identifier: Apache-2.0
"""Reads a file's access units unchanged, in decoding order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.bitstream import BitStreamFilterContext

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import (
    AccessUnit,
    EntryPoint,
    ParameterSets,
    StreamError,
    picture_format,
    whole_jpeg,
)

from .beside import Beside
from .clip import Clip
from .pictures import Item
from .samples import Samples
from .source import SourceError

CODECS = {"h264": Codec.H264, "hevc": Codec.H265, "mjpeg": Codec.JPEG}
# From the format of .mp4 and .mkv, with lengths and separate parameter sets, to the byte stream format of annex B.
_FILTERS = {Codec.H264: "h264_mp4toannexb", Codec.H265: "hevc_mp4toannexb"}
LOOK_AHEAD = 16  # access units; the most delayed one is most likely among these
MOST_AHEAD = 1 << 18  # bytes


class _Times(NamedTuple):
    """The times of a packet, in seconds."""

    shown_s: float | None
    decoded_s: float | None
    length_s: float


class Units:
    """Reads the access units of a newly opened clip from start to end. Raises SourceError if it has another codec.

    passed_over: access units before the first entry point. damaged: those that were incomplete in the file. discarded:
    those that are not shown but only referenced. why: what was wrong with the last one that was of no use.

    Some are read at once, since the second packet finds code and data in the processor's caches, where the next picture
    would not find them: that costs several times the work itself.
    """

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        name = clip.stream.codec_context.codec.canonical_name
        if name not in CODECS:
            raise SourceError(0, f"{clip.path}: {name} can't be passed through; leave encoder=copy away", "unsuitable")
        self.codec = CODECS[name]
        self._sets = ParameterSets(self.codec)
        self._samples = Samples(self.codec) if self.codec in _FILTERS else None
        self._filter = BitStreamFilterContext(_FILTERS[self.codec], clip.stream) if self._samples else None
        self._beside = Beside(clip.stream, self.codec) if self._samples else None
        self._delay_s = 0.0  # the longest time from decoding to presentation
        self._found: list[tuple[AccessUnit | None, _Times]] = []
        self._begun = self._looked = self._over = False
        self._at_once = LOOK_AHEAD if Path(clip.path).is_file() else 1  # packets; a pipe's come one by one
        self._failure: SourceError | None = None
        self.passed_over = self.damaged = self.discarded = 0
        self.why = ""

    def more(self) -> list[Item]:
        """Return the access units of the next packets, possibly none. Raises SourceError, or EOFError at the end."""
        left = MOST_AHEAD
        for _ in range(self._at_once):
            packet = self._packet()
            if packet is None:
                break
            self._read(packet)
            left -= packet.size
            if left < 0:
                break
        if not self._found and packet is None:
            raise self._failure or EOFError(f"{self._clip.path} has ended")
        if len(self._found) < LOOK_AHEAD and not self._over and not self._looked:
            return []
        self._looked = True
        found, self._found = self._found, []
        return self._in_turn(found)

    def _packet(self) -> Any:
        """Return the next packet, or None after the last one. What can't be read on ends it as well."""
        if self._over:
            return None
        try:
            packet = self._clip.packet()
        except SourceError as error:  # raised once the access units before it are handed out
            self._failure, packet = error, None
        self._over = packet is None or packet.size == 0
        return packet

    def _read(self, packet: Any) -> None:
        self.discarded += packet.is_discard
        self.damaged += packet.is_corrupt
        seconds = self._clip.seconds
        shown = None if self._clip.dated_by_dts else packet.pts
        times = _Times(seconds(shown), seconds(packet.dts), seconds(packet.duration) or 0.0)
        try:
            for unit, mark in self._units(packet, times):
                self._take(unit, mark)
        except (StreamError, av.FFmpegError) as error:
            self.why = str(error)
            self._found.append((None, times))

    def _units(self, packet: Any, times: _Times) -> Iterable[tuple[AccessUnit, _Times]]:
        if self._samples is None:
            return [(AccessUnit(whole_jpeg(bytes(packet)), EntryPoint.IDR), times)] if packet.size else []
        if self._over:
            return self._samples.flush()
        return self._split(self._samples, packet, times)

    def _split(self, samples: Samples, packet: Any, times: _Times) -> Iterable[tuple[AccessUnit, _Times]]:
        assert self._filter is not None
        if not self._begun:  # the container's parameter sets may come with no other picture
            apart = BitStreamFilterContext(f"{_FILTERS[self.codec]},dump_extra=freq=all", self._clip.stream)
            for filtered in apart.filter(av.Packet(bytes(packet))):
                self._sets.learn(bytes(filtered))
        for filtered in self._filter.filter(packet):
            yield from samples.feed(bytes(filtered), times)

    def _take(self, unit: AccessUnit, times: _Times) -> None:
        if not self._begun and not unit.keyframe:
            self.passed_over += 1
            return
        self._begun = True
        if self._samples is None or not self._samples.is_plain:  # else there is nothing to add, and nothing to learn
            unit = self._sets.complete(unit)
            unit = self._beside.put_into(unit) if self._beside is not None else unit
        self._found.append((unit, times))

    def _in_turn(self, found: list[tuple[AccessUnit | None, _Times]]) -> list[Item]:
        """Return the items. None is due before it is shown: readers of a live stream take that for its capture."""
        known = len(found) == 1 and found[0][1].decoded_s is not None
        decoded = [found[0][1].decoded_s] if known else _decoding_times([times for _, times in found])
        both = [(d, times.shown_s) for d, (_, times) in zip(decoded, found, strict=True)]
        self._delay_s = max([self._delay_s, *(s - d for d, s in both if d is not None and s is not None)])
        items = []
        for (unit, times), (decoded_s, shown_s) in zip(found, both, strict=True):
            turn_s = shown_s if decoded_s is None else decoded_s + self._delay_s
            early_s = 0.0 if turn_s is None or shown_s is None else turn_s - shown_s
            items.append(Item(unit=unit, time_s=turn_s, early_s=early_s, length_s=times.length_s))
        return items

    def size(self, first: Item) -> tuple[int, int]:
        """Return width and height in pixels."""
        told = picture_format(first.unit.data, self.codec) if first.unit else None
        context = self._clip.stream.codec_context
        return (told.width, told.height) if told else (context.width, context.height)


def _decoding_times(times: list[_Times]) -> list[float | None]:
    """Return the decoding times, with those that .mkv omits at the start if pictures are reordered."""
    decoded = [each.decoded_s for each in times]
    known = [at for at, decoded_s in enumerate(decoded) if decoded_s is not None]
    steps = [
        after - before for before, after in itertools.pairwise(decoded) if before is not None and after is not None
    ]
    for at in range(known[0] - 1 if known else -1, -1, -1):
        following = decoded[at + 1]
        assert following is not None
        decoded[at] = following - (times[at].length_s or min(steps, default=0.0))
    return decoded
