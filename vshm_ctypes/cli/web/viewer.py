# SPDX-License-Identifier: Apache-2.0
"""Reads one ring for one browser, with a reader and a thread of its own, so that no browser affects another one.

A browser that falls behind gets no more frames until it has caught up, and goes on at a keyframe; what it skipped is
counted. A browser that does not acknowledge messages is waited for, and misses frames like any slow reader.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ...commandline.output import plain
from ...consumer import Consumer
from ...errors import ProducerNotRunning, VideoShmError
from ...info import RingInfo, State
from ...serving.sender import Gone
from ..survey import STALLED_S
from ..watch.watcher import Watch
from .flow import Flow
from .pictures import NO_KEYFRAME
from .showing import Form, Showing

WAIT_S = 0.2
RETRY_S = 0.5
PAST_S = 2.0  # time for a browser to take the frames that the ring held when it came, if more follow

TEXTS = {
    "live": "",
    "empty": "Nothing was ever written into this ring. Waiting for its producer.",
    "stalled": "The producer runs, but nothing comes from it. Look at the camera's cable and at the producer's log.",
    "silent": "Nothing comes. Whether its producer still runs can't be told: it is of version 1.",
    "no keyframe": NO_KEYFRAME,
    "closed": "The producer has ended. Waiting for the next one.",
    "dead": "The producer died. Waiting for the next one.",
    "none": "There is no such ring. Waiting for its producer.",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """The counters of a browser's reader. skipped counts frames left out by us or by the page, being behind."""

    ring: str
    viewer: str
    received: int
    missed: int
    skipped: int


class Viewer:
    """Shows one ring to one browser.

    Args:
        ring: name of the ring.
        form: what the browser plays.
        needs_idr: whether it can begin at an IDR picture only.
        send: sends text or bytes, and returns when they are on their way; raises Gone.
        name: what to call the browser in the list of readers.
        tells: whether the browser acknowledges messages.
    """

    def __init__(
        self, ring: str, form: Form, needs_idr: bool, send: Callable[[str | bytes], None], *, name: str, tells: bool
    ) -> None:
        self._ring = ring
        self._name = name
        self._flow = Flow(tells)
        self._showing = Showing(ring, form, needs_idr, send, self._flow)
        self._over = threading.Event()
        self._state = ("", "")
        self._received = self._missed = self._skipped_by_page = 0

    def got(self, count: int, skipped: int) -> None:
        """Note that the page has got count messages and has skipped so many pictures. For any thread."""
        self._flow.got(count)
        self._skipped_by_page = skipped

    @property
    def counts(self) -> Counts:
        """The counters as of the last second. For any thread."""
        skipped = self._showing.skipped + self._skipped_by_page
        return Counts(self._ring, self._name, self._received, self._missed, skipped)

    def close(self) -> None:
        """Make run() return soon. For any thread."""
        self._over.set()

    def run(self) -> None:
        """Show the ring until the browser has left."""
        try:
            while not self._over.is_set():
                self._look()
                self._over.wait(RETRY_S)
        except Gone:
            pass
        finally:
            self._showing.close()

    def _look(self) -> None:
        try:
            with Consumer(self._ring, start="keyframe", resync=True, reconnect=True) as stream:
                self._follow(stream)
        except ProducerNotRunning:
            self._tell_state("none")
        except VideoShmError as error:
            self._tell_state("error", f"{self._ring}: {error.strerror}")

    def _tell_state(self, state: str, text: str = "") -> None:
        now = (state, text or TEXTS[state])
        if now != self._state:
            self._state = now
            self._showing.tell("state", state=state, text=now[1])

    def _follow(self, stream: Consumer) -> None:
        watch = Watch(stream)
        begin = last = time.monotonic()
        written, first = stream.info().frames, True
        held, patient_s = written, begin + PAST_S
        while not self._over.is_set():
            frame = stream.receive(WAIT_S)
            now = time.monotonic()
            if frame is not None:
                watch.note(frame)
                self._received += 1
                self._showing.show(frame, partial(self._waits_for_browser, stream, frame.number, held, patient_s))
                self._tell_state("waiting" if self._showing.waits else "live", self._showing.waits)
                last, written = now, frame.number + 1
            else:
                silent = self._why_silent(stream.info(), now - last, written)
                if silent:
                    self._tell_state(silent)
            if now - begin >= 1:
                second = watch.sum_up(now - begin)
                self._missed = second.missed_total
                if not first:  # which includes what the ring held
                    self._showing.tell("second", **plain(second), skipped=self._showing.skipped, dropped=_drops(stream))
                begin, first = now, False

    def _waits_for_browser(self, stream: Consumer, number: int, held: int, patient_s: float) -> bool:
        """Return whether to wait for the browser: for frames that the ring held, for a while, or while none follow."""
        if number >= held or self._over.is_set():
            return False
        return time.monotonic() < patient_s or stream.info().frames <= held

    @staticmethod
    def _why_silent(info: RingInfo, silent_s: float, written: int) -> str:
        """Return the state that explains why no frame comes; empty if the silence is still short."""
        if info.state in (State.DEAD, State.CLOSED):
            return info.state.name.lower()
        if silent_s < STALLED_S:
            return ""
        if info.frames > written:
            return "no keyframe"
        if info.frames == 0:
            return "empty"
        return "stalled" if info.state == State.LIVE else "silent"


def _drops(stream: Consumer) -> dict[str, int]:
    info = stream.info()
    if not info.extended:
        return {"unknown": info.dropped}
    return {"busy": info.dropped_busy, "too large": info.dropped_too_large, "no space": info.dropped_no_space}
