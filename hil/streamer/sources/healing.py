# SPDX-License-Identifier: Apache-2.0
"""Reopens a source when it fails. The ring stays, and its readers see a discontinuity instead of an end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from vshm_ctypes import Codec

from ..log import LOG
from .patience import FIRST_PICTURE_S, Patience
from .source import Captured, Source, SourceError

BACK_OFF_S = (0.5, 1.0, 2.0, 4.0, 8.0)
SETTLED_S = 5.0  # a source that fails sooner than that is not reopened at once
BAD_IN_A_ROW = 30


class HealingSource:
    """Wraps a source. Each failure is counted, logged once with its cause, and repaired by reopening the source.

    incidents: failures by cause: SourceError.kind for a stream that ended or did not start, else "stalled" or
    "bad_buffers". EOFError is passed on. starts: so many failed starts are passed on before anything has come, 0: none.
    """

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic, starts: int = 0) -> None:
        self._source = source
        self._clock = clock
        self._starts = starts
        self._is_open = self._has_begun = self._is_back = False
        self._attempt = 0
        self._retry_s = 0.0
        self._opened_s = self._begun_s = self._last_s = 0.0
        self._patience = Patience()
        self._told = ""
        self._bad = 0
        self._has_given = self._broken = False
        self._codec: Codec | None = None
        self.incidents: Counter[str] = Counter()

    @property
    def name(self) -> str:
        """The name of the wrapped source."""
        return self._source.name

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self._source.width

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self._source.height

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._source.fps

    @property
    def live(self) -> bool:
        """Whether the wrapped source is live. Only a live source fails by silence or by damaged pictures."""
        return self._source.live

    @property
    def codec(self) -> Codec | None:
        """The codec of the wrapped source, or None if it delivers raw pictures."""
        return self._source.codec

    def open(self) -> None:
        """Open the source for the first time. Raises SourceError."""
        self._open()
        self._codec = self.codec
        self._is_opened()

    def _open(self) -> None:
        try:
            self._source.open()
        except SourceError as error:
            if error.kind == "streamon":
                self.incidents["streamon"] += 1
            raise

    def _is_opened(self) -> None:
        self._is_open, self._has_begun = True, False
        self._opened_s = self._clock()

    def _begin(self) -> None:
        """Count from the first read how long the source takes: what it is read for may have been set up before."""
        self._has_begun = True
        self._begun_s = self._last_s = self._clock()
        self._patience.begin()
        self._bad, self._has_given = 0, False

    def _fail(self, kind: str, why: str) -> None:
        self.incidents[kind] += 1
        LOG.warning("%s: %s; it is opened again", self.name, why)
        self._source.close()
        self._is_open, self._is_back, self._broken, self._told = False, False, True, ""
        if self._clock() - self._opened_s >= SETTLED_S:
            self._attempt = 0
            self._retry_s = self._clock()
        else:
            self._back_off()

    def _back_off(self) -> None:
        self._retry_s = self._clock() + BACK_OFF_S[min(self._attempt, len(BACK_OFF_S) - 1)]
        self._attempt += 1

    def _check_codec(self) -> None:
        """Raise SourceError if the codec changed: a ring keeps its codec, and raw pictures need an encoder."""
        if self.codec != self._codec:
            has, had = (codec.name if codec is not None else "raw pictures" for codec in (self.codec, self._codec))
            self._source.close()
            raise SourceError(0, f"{self.name}: it came back with {has}, not {had} as before", "unsuitable")

    def _reopen(self, timeout_s: float) -> None:
        wait_s = self._retry_s - self._clock()
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_s))
            return
        try:
            self._open()
            self._check_codec()
        except SourceError as error:
            self._put_off(error)
            return
        self._is_opened()
        self._is_back = True

    def _put_off(self, error: SourceError) -> None:
        why = str(error.strerror or error)
        if self._told != why:
            LOG.warning("not to be opened yet: %s", why)
            self._told = why
        self._back_off()

    def _fail_to_start(self, error: SourceError) -> None:
        """Heed that the source was opened, but did not start. Raises the error if that is the last attempt."""
        self.incidents["streamon"] += 1
        self._source.close()
        self._is_open = self._is_back = False
        self._put_off(error)
        if self._starts and self.incidents["streamon"] >= self._starts:
            raise error

    def read(self, timeout_s: float) -> Captured | None:
        """Return the next picture, or None if none came in time for any reason.

        Raises EOFError, or SourceError if the source does not start at all.
        """
        if not self._is_open:
            self._reopen(timeout_s)
            return None
        if not self._has_begun:
            self._begin()
        try:
            captured = self._source.read(timeout_s)
        except SourceError as error:
            if error.kind == "streamon":
                self._fail_to_start(error)
            else:
                self._fail(error.kind, str(error.strerror or error))
            return None
        if self._is_back:
            LOG.info("%s: it is there again", self.name)
            self._is_back = False
        if captured is None:
            if self.live:
                self._heed_silence()
            return None
        self._starts = 0
        if self._source.live:  # no other one's silence is heeded
            self._last_s = self._clock()
            self._patience.came(self._last_s)
        if captured.bad:
            self._bad += 1
            is_starting = not self._has_given and self._last_s - self._begun_s < FIRST_PICTURE_S
            if self._bad >= BAD_IN_A_ROW and self.live and not is_starting:
                self._fail("bad_buffers", f"{self._bad} damaged buffers in a row")
            return captured
        captured.discontinuity = captured.discontinuity or self._broken or self._bad > 0
        self._bad, self._broken, self._has_given = 0, False, True
        return captured

    def _heed_silence(self) -> None:
        now_s = self._clock()
        silence_s = now_s - self._last_s
        if silence_s >= self._patience.limit_s(self.fps):
            self._patience.ended(now_s)
            self._fail("stalled", f"nothing came for {silence_s:.0f} s")
        else:
            self._patience.waited(silence_s)

    def want_keyframe(self) -> None:
        """Ask the source for a keyframe, if it is open."""
        if self._is_open:
            self._source.want_keyframe()

    def figures(self) -> dict[str, int]:
        """Return the source's counters and the incidents."""
        return self._source.figures() | dict(self.incidents)

    def close(self) -> None:
        """Close the source. A second call does nothing."""
        self._is_open = False
        self._source.close()
