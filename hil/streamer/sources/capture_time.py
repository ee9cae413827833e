# SPDX-License-Identifier: Apache-2.0
"""Dates pictures by the driver's timestamps while they prove themselves as a series, else by the time of dequeue."""

from __future__ import annotations

import time
from typing import NamedTuple

from ..clock import realtime_offset_ns
from ..log import LOG

# linux/videodev2.h
TIMESTAMP_MASK = 0xE000
TIMESTAMP_MONOTONIC = 0x2000
FLAG_ERROR = 0x40
MAX_AGE_NS = 2_000_000_000  # besides the interval: a timestamp that is older is not believed
MAX_AHEAD_NS = 100_000_000  # some drivers stamp the end of a frame ahead of time
STUCK_NS = 500_000_000  # a picture may come in several buffers, but not for longer than that
# A timestamp older than the least old one by that and so many intervals waited in buffers, or is of a wrong clock.
DRIFT_NS, DRIFT_INTERVALS = 200_000_000, 8
WAITED = 64  # buffers at most that waited while this process was stopped
FEW, MOST = 30, 3840  # pictures in a row whose timestamps must fit before they are believed again
LASTED = 10_000  # pictures: the end of such a series was an accident

MONOTONIC = "CLOCK_MONOTONIC"
# In the order in which they are tried; uvcvideo, for one, has a parameter for the second.
CLOCKS = {
    MONOTONIC: time.CLOCK_MONOTONIC,
    "CLOCK_REALTIME": time.CLOCK_REALTIME,
    "CLOCK_BOOTTIME": time.CLOCK_BOOTTIME,
    "CLOCK_TAI": time.CLOCK_TAI,
    "CLOCK_MONOTONIC_RAW": time.CLOCK_MONOTONIC_RAW,
}


class CaptureTime(NamedTuple):
    """The time of a capture. capture_ns: CLOCK_MONOTONIC. from_driver: whether it is the driver's timestamp."""

    capture_ns: int
    from_driver: bool


class _Stamp(NamedTuple):
    """A timestamp. dequeued_ns: when its buffer was dequeued. gap_ns: how long after the one before."""

    ns: int
    dequeued_ns: int
    gap_ns: int

    def on(self, clock: str) -> int | None:
        """Return it on CLOCK_MONOTONIC if it was taken from that clock, or None if it lies in the future then."""
        offset_ns = 0
        if clock != MONOTONIC:
            offset_ns = realtime_offset_ns(realtime_ns=lambda: time.clock_gettime_ns(CLOCKS[clock]))
        at_ns = self.ns - offset_ns
        return at_ns if at_ns - self.dequeued_ns <= MAX_AHEAD_NS else None


class CaptureClock:
    """Judges the timestamps of one driver, and makes times of capture that never go backwards.

    Timestamps are believed from the first one on if it fits one of the system's clocks, from which it is converted. One
    that does not continue the series is excused. The next one ends the series: pictures are then dated when they are
    dequeued, until so many timestamps in a row have fitted that the times do not change their kind from picture to
    picture. The more often that happens, the more it takes.

    own_times: pictures that were dated when dequeued. converted_times: pictures whose timestamps were of another clock
    than CLOCK_MONOTONIC. time_jumps: timestamps that did not continue the series of believed ones before.
    """

    def __init__(self) -> None:
        self.own_times = self.converted_times = self.time_jumps = 0
        self._last_ns = 0  # the last time of capture, of whatever stream
        self._needed = FEW
        self._told = MONOTONIC
        self.begin("")

    def begin(self, name: str) -> None:
        """Start a new stream, whose timestamps do not continue those of the last one. name: the camera's."""
        self._name = name
        self._dequeued_ns = time.monotonic_ns()  # of the last buffer, or now
        self._least_ns: int | None = None  # the least age of a believed timestamp
        self._restart(believed=True)

    def _restart(self, believed: bool) -> None:
        self._is_believed = self._excuses_one = believed
        self._clock = ""  # that of the series, if there is one
        self._in_a_row = self._late_in_a_row = 0
        self._stamp_ns = self._at_ns = self._before_ns = 0  # the last timestamp, raw and converted; the one before it
        self._first_seen_ns = 0  # when that timestamp was seen first
        self._lead_ns = 0  # how far ahead of the dequeue the series was at most

    def date(self, flags: int, stamp_ns: int, dequeued_ns: int) -> CaptureTime:
        """Return the time of capture from a V4L2 buffer's flags, timestamp and time of dequeue (CLOCK_MONOTONIC)."""
        stamp = None
        if flags & TIMESTAMP_MASK == TIMESTAMP_MONOTONIC:
            stamp = _Stamp(stamp_ns, dequeued_ns, dequeued_ns - self._dequeued_ns)
        self._dequeued_ns = dequeued_ns
        at_ns = self._continued(stamp)
        if not flags & FLAG_ERROR:  # where a transfer was cancelled, its timestamp may be missing
            at_ns = self._judge(stamp, at_ns)
        at_ns = at_ns if self._is_believed else None
        self.own_times += at_ns is None
        self.converted_times += at_ns is not None and self._clock != MONOTONIC
        return CaptureTime(dequeued_ns, False) if at_ns is None else CaptureTime(at_ns - self._lead_ns, True)

    def onwards(self, when: CaptureTime) -> CaptureTime:
        """Return the time of a picture that is handed on, which is not before that of the last one."""
        self._last_ns = max(when.capture_ns, self._last_ns)
        return CaptureTime(self._last_ns, when.from_driver and self._last_ns == when.capture_ns)

    def _judge(self, stamp: _Stamp | None, at_ns: int | None) -> int | None:
        """Return the time that a timestamp stands for, or None if there is none. at_ns: that of the series."""
        if at_ns is None and self._clock:
            is_excused = self._is_believed and self._excuses_one
            if self._is_believed:
                self.time_jumps += 1
                self._needed = FEW if self._in_a_row >= LASTED else min(self._needed * 2, MOST)
            if is_excused:
                self._excuses_one, self._in_a_row = False, 0
                at_ns = self._returned(stamp)
                if at_ns is None:
                    return None
            else:
                self._restart(believed=False)
        if at_ns is None:
            at_ns = self._begun(stamp)
        if stamp is not None and at_ns is not None:
            self._note(stamp, at_ns)
        self._tell()
        return at_ns

    def _continued(self, stamp: _Stamp | None) -> int | None:
        """Return the time of a timestamp that continues the series, or None if it does not or there is none."""
        at_ns = stamp.on(self._clock) if stamp is not None and self._clock else None
        if stamp is None or at_ns is None:
            return None
        if stamp.ns == self._stamp_ns:  # a picture in several buffers
            return self._at_ns if stamp.dequeued_ns - self._first_seen_ns <= STUCK_NS else None
        if at_ns < self._at_ns or (self._late_in_a_row == WAITED and self._is_late(stamp, at_ns)):
            return None
        return at_ns

    def _is_late(self, stamp: _Stamp, at_ns: int) -> bool:
        """Return whether a timestamp is older than those before, more than by a few pictures that wait in buffers."""
        least_ns = self._least_ns if self._least_ns is not None else MAX_AGE_NS
        return stamp.dequeued_ns - at_ns > least_ns + DRIFT_NS + DRIFT_INTERVALS * stamp.gap_ns

    def _returned(self, stamp: _Stamp | None) -> int | None:
        """Return the time of a timestamp that continues what was before the last one, which was the odd one then."""
        at_ns = stamp.on(self._clock) if stamp is not None and stamp.ns != self._stamp_ns else None
        return at_ns if stamp is not None and at_ns is not None and self._before_ns < at_ns < self._at_ns else None

    def _begun(self, stamp: _Stamp | None) -> int | None:
        """Begin a series of the clock that a timestamp fits, and return its time, or None if it fits none."""
        for clock in CLOCKS:
            at_ns = stamp.on(clock) if stamp is not None else None
            if stamp is None or at_ns is None or self._is_late(stamp, at_ns):
                continue
            if stamp.dequeued_ns - at_ns <= MAX_AGE_NS + stamp.gap_ns:
                self._clock = clock
                return at_ns
        self._is_believed = False
        return None

    def _note(self, stamp: _Stamp, at_ns: int) -> None:
        if stamp.ns != self._stamp_ns:
            self._first_seen_ns, self._before_ns = stamp.dequeued_ns, min(self._at_ns, at_ns)
        self._stamp_ns, self._at_ns = stamp.ns, at_ns
        self._lead_ns = max(self._lead_ns, at_ns - stamp.dequeued_ns)
        self._late_in_a_row = self._late_in_a_row + 1 if self._is_late(stamp, at_ns) else 0
        self._in_a_row += 1
        if self._in_a_row >= self._needed:
            self._is_believed = self._excuses_one = True
        if self._is_believed:
            age_ns = stamp.dequeued_ns - at_ns
            self._least_ns = age_ns if self._least_ns is None else min(age_ns, self._least_ns)

    def figures(self) -> dict[str, int]:
        """Return the counters by name."""
        return {name: getattr(self, name) for name in ("own_times", "converted_times", "time_jumps")}

    def _tell(self) -> None:
        """Log where the times come from, when that has changed."""
        clock = self._clock if self._is_believed else ""
        if clock == self._told:
            return
        self._told = clock
        if clock == MONOTONIC:
            LOG.info("%s: pictures are dated by the driver", self._name)
        elif clock:
            LOG.warning("%s: the driver's timestamps are of %s, from which they are converted", self._name, clock)
        else:
            LOG.warning("%s: the driver's timestamps are of no use: pictures are dated when dequeued", self._name)
