# SPDX-License-Identifier: Apache-2.0
"""Plays a file's pictures at their own pace: file:clip.mp4, looped on request.

Unlike a camera, a file starts at once, whatever its first time is. Its gaps are kept up to GAP_S, damaged parts are
skipped, and it ends after its last picture has been shown for its full length.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from vshm_ctypes import Codec

from ..log import LOG
from .clip import MOST_FPS, Clip
from .pictures import Item, Pictures
from .source import Captured, SourceError
from .timeline import Pace, Timeline
from .units import Units

FIRST_PICTURES = 4  # pictures that are decoded before the start, for size and rate
FIRST_S = 10.0  # how long they are searched for
WRONG = 1.5  # a declared rate that is so many times the measured one is not believed


class _Turn(NamedTuple):
    """A picture or an access unit that only lacks its time. due_s, shown_s: on the timeline; None if it is damaged."""

    captured: Captured
    due_s: float | None = None
    shown_s: float = 0.0


class FileSource:
    """Plays a file as fast as its times say, never faster. fps: for a file without a rate of its own; 0 means 25.

    timeline: shared with the sound of the same file, if that is played too. copy: deliver the file's access units in
    decoding order, each with the time at which its picture is shown.
    """

    live = False

    def __init__(
        self, path: str, loop: bool, timeline: Timeline | None = None, fps: float = 0.0, copy: bool = False
    ) -> None:
        self.name = f"file:{path}"
        self._path, self._loop, self._given_fps = path, loop, fps
        self._reads: Callable[[Clip], Pictures | Units] = Units if copy else Pictures
        self._clip = Clip(path, "video", fps)
        self._timeline = timeline or Timeline()
        self._pace: Pace | None = None
        self._ready: deque[Item] = deque()
        self._turns: deque[_Turn] = deque()
        self._begins = self._breaks = False  # for the next picture that is read, and that is placed
        self._damaged = 0
        self._is_look = False  # while the stream is examined before it is passed through
        self.codec: Codec | None = None
        self.width = self.height = 0
        self.fps = 0.0

    def open(self) -> None:
        """Open the file at its start. Raises SourceError, also if no picture in it can be used."""
        self.close()
        if self._pace is None and self._reads is Units:
            self._look()
        self._begins = self._breaks = self._is_still = False
        self._begin()
        until_s = time.monotonic() + FIRST_S
        while len(self._ready) < FIRST_PICTURES and not self._over and time.monotonic() < until_s:
            self._step()
        first = next((item for item in self._ready if not item.bad), None)
        if first is None:
            why = self._reader.why or "no keyframe in it"
            self.close()
            raise SourceError(0, f"{self._path}: no picture of it is of any use: {why}", "unsuitable")
        self.codec, (self.width, self.height), self.fps = self._reader.codec, self._reader.size(first), self._rate()
        if self._pace is None:
            self._pace = Pace(self._timeline, 1 / self.fps)
            self._tell(first.picture)
        else:
            self._pace.resume()

    def _look(self) -> None:
        """Decode the start of a stream that is passed through, for errors and for its rotation. Raises SourceError."""
        decoded = FileSource(self._path, False, fps=self._given_fps)
        decoded._is_look, decoded._reads = True, partial(Pictures, threads=False)
        decoded.open()
        if isinstance(decoded._reader, Pictures) and decoded._reader.turned:
            LOG.info("%s: it is passed through on its side, as it is stored; an encoder turns it", self.name)
        if isinstance(decoded._reader, Pictures) and decoded._reader.has_fields:
            fields = "interlaced, as two JPEG pictures of half the height: the first is passed through"
            LOG.warning("%s: %s; leave encoder=copy away to have all lines", self.name, fields)
        decoded.close()

    def _begin(self) -> None:
        self._clip.open()
        self._reader = self._reads(self._clip)
        self._first: Item | None = None  # of this round, as long as it is the only one
        self._in_round = 0  # pictures
        self._over = False
        self._written_ns = self._last_written_ns()

    def _last_written_ns(self) -> int:
        with contextlib.suppress(OSError):
            return Path(self._path).stat().st_mtime_ns
        return 0

    def _step(self) -> None:
        """Read the next packet. Raises SourceError."""
        try:
            found = self._reader.more()
        except EOFError:
            self._end_round()
            return
        for item in found:
            if not item.bad:
                self._in_round += 1
                self._first = item if self._in_round == 1 else None
            if self._begins:
                item = item._replace(begins=True, breaks=not self._is_still)
                self._begins = False
            self._ready.append(item)

    def _end_round(self) -> None:
        self._is_still = self._first is not None
        if not self._loop or not self._in_round:
            self._over = True
        elif self._first is not None and self._written_ns == self._last_written_ns():
            self._ready.append(self._first._replace(begins=True))  # a single picture is not decoded again
        else:
            self._damaged += self._reader.damaged
            self._begin()
            self._begins = True

    def _rate(self) -> float:
        """Return the declared rate, unless the first pictures show another one or there is only one."""
        if self._is_still and self._given_fps:
            return self._given_fps
        times = [item.time_s for item in self._ready if item.time_s is not None]
        steps = [after - before for before, after in itertools.pairwise(times) if after > before]
        told = self._clip.fps
        seen = 1 / sorted(steps)[len(steps) // 2] if len(steps) > 1 else told
        return min(told if told / WRONG < seen < told * WRONG else seen, MOST_FPS)

    def _tell(self, first: Any) -> None:
        if self._reader.passed_over:
            LOG.info("%s: it begins in the middle of a GOP, and is played from its first keyframe on", self.name)
        if isinstance(self._reader, Units) and self._reader.discarded:
            shown = "pictures that its edit list leaves out are passed through, since others are made from them"
            LOG.warning("%s: %s; an encoder leaves them out", self.name, shown)
        if first is None:
            return
        if first.interlaced_frame:
            LOG.info("%s: interlaced: both fields of a picture are kept as they are, as lines of one", self.name)
        ratio = self._clip.stream.sample_aspect_ratio
        if ratio and ratio != 1 and not self._is_look:
            wide = f"{round(self.width * ratio / 2) * 2}x{self.height}"
            LOG.info(
                "%s: its pixels are not square (%s): a channel of %s shows it as it is meant", self.name, ratio, wide
            )

    def read(self, timeout_s: float) -> Captured | None:
        """Return the next picture when it is due, or None after timeout_s seconds.

        Raises SourceError, or EOFError at the end.
        """
        pace = self._pace
        assert pace is not None
        if not self._turns:
            timeout_s = self._read_on(timeout_s)
            if self._ready:
                self._place(pace, timeout_s)
            elif self._over and pace.wait_for_end(timeout_s):
                raise EOFError(f"{self._path} has ended")
            if not self._turns:
                return None
        captured, due_s, shown_s = self._turns[0]
        if due_s is None:
            shown_s = self._timeline.clock() - self._timeline.late_s
        elif not pace.wait(due_s, timeout_s):
            return None
        self._turns.popleft()
        captured.capture_ns = round((shown_s + self._timeline.late_s) * 1e9)
        return captured

    def _read_on(self, timeout_s: float) -> float:
        """Read until there is something to place, but not much longer than timeout_s. Returns what is left of it."""
        until_s = self._timeline.clock() + timeout_s
        while not self._ready and not self._over and timeout_s >= 0:
            self._step()
            timeout_s = until_s - self._timeline.clock()
        return timeout_s

    def _place(self, pace: Pace, timeout_s: float) -> None:
        """Place what was read on the timeline; one by one if others have streams there, which may jump together."""
        while self._ready and not (self._turns and self._timeline.is_shared):
            item = self._ready[0]
            if item.begins:
                pace.next_round(self._clip.length_s if self._timeline.is_shared else 0.0)
                item = self._ready[0] = item._replace(begins=False)
            self._breaks = self._breaks or item.breaks
            if item.bad:
                self._damaged += 1
                self._turns.append(_Turn(Captured(0, bad=True)))
            else:
                due_s = pace.place(item.time_s, self._clip.start_s if self._timeline.is_shared else None)
                if pace.is_at_gap and not pace.wait(due_s, timeout_s):
                    return
                self._turns.append(self._turn(item, due_s, pace.took(due_s, 0.0 if self._is_still else item.length_s)))
            self._ready.popleft()

    def _turn(self, item: Item, due_s: float, jumped: bool) -> _Turn:
        # Within a GOP nothing is lost, and a reader that is told of a discontinuity would wait for the next keyframe.
        breaks = self._breaks or (jumped and (item.unit is None or item.unit.keyframe))
        self._breaks = False
        return _Turn(Captured(0, item.picture, item.unit, discontinuity=breaks), due_s, due_s - item.early_s)

    def want_keyframe(self) -> None:
        """Do nothing: the encoder can make any picture a keyframe, and access units are passed through as they are."""

    def figures(self) -> dict[str, int]:
        """Return the counter damaged: pictures that were incomplete in the file."""
        damaged = self._damaged + (self._reader.damaged if self._pace else 0)
        return {"damaged": damaged} if damaged else {}

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._ready.clear()
        self._turns.clear()
        self._clip.close()
        if self._pace is not None:
            self._pace.close()
