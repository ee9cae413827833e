# SPDX-License-Identifier: Apache-2.0
"""Converts sound to signed 16 bit at one rate, in step with its own times, with FFmpeg's swresample.

A sound card's clock is off by up to some hundred ppm, a third of a second per hour. Players count samples, so sound
that is to stay in step with pictures needs as many samples as its time says. It is stretched or compressed too gently
to be heard; sound that needs neither is passed on bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from ..sources.source import SourceError

OFF_S = 0.002  # the tolerated difference between sound and its time; rounding in files is less
SOFTLY = 0.005  # the largest change of speed, a twelfth of a semitone

_NS = Fraction(1, 1_000_000_000)


class Resampler:
    """Converts one kind of sound. first: a frame of it. begin_ns: its time. rate: Hz. channels: 1 or 2.

    Raises SourceError if such sound can't be converted.
    """

    def __init__(self, first: av.AudioFrame, begin_ns: int, rate: int, channels: int) -> None:
        self._kind = _kind(first)
        self._begin_ns, self._rate, self._channels = begin_ns, rate, channels
        self._layout = "mono" if channels == 1 else "stereo"
        try:
            self._graph = self._chain(first)
        except (av.FFmpegError, ValueError):
            text = f"sound of {first.layout.name} in {first.format.name} can't be made into {self._layout}"
            raise SourceError(0, text, "unsuitable") from None

    def _chain(self, first: av.AudioFrame) -> Any:
        graph = av.filter.Graph()
        softly = max(first.sample_rate * SOFTLY, 2)  # samples per second
        graph.link_nodes(
            graph.add_abuffer(
                sample_rate=first.sample_rate, format=first.format.name, layout=first.layout.name, time_base=_NS
            ),
            graph.add("aresample", f"{self._rate}:async={softly}:min_comp={OFF_S}"),
            graph.add("aformat", f"s16:{self._rate}:{self._layout}"),
            graph.add("abuffersink"),
        ).configure()
        return graph

    def fits(self, frame: av.AudioFrame) -> bool:
        """Return whether a frame has the format, rate and layout of the first one."""
        return self._kind == _kind(frame)

    def convert(self, frame: av.AudioFrame | None, begin_ns: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield what is ready, with the time of its first sample. With None instead of a frame, yield the rest."""
        if frame is not None:
            frame.time_base, frame.pts = _NS, begin_ns - self._begin_ns
        self._graph.push(frame)
        while True:
            try:
                ready = self._graph.pull()
            except (av.error.BlockingIOError, EOFError):
                return
            at_ns = self._begin_ns + round(ready.pts * ready.time_base / _NS)
            yield at_ns, bytes(ready.planes[0])[: ready.samples * 2 * self._channels]


def _kind(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
