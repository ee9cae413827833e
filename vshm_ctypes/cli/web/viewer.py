# SPDX-License-Identifier: Apache-2.0
"""One browser's look at one ring: a reader of its own, in a thread of its own.

The thread waits until the browser has taken what it was sent. A slow browser is lapped by the ring, as any slow reader
is: it goes on at a keyframe, what it missed is counted, and nobody else notices.
"""

from __future__ import annotations

import json
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from ...bitstream import picture_format
from ...consumer import Consumer
from ...errors import ProducerNotRunning, VideoShmError
from ...frame import Codec, Frame
from ...info import RingInfo, State
from ..output import plain
from ..survey import STALLED_S, codec_name
from ..watch import Watch
from .fragments import Fragments
from .sender import Gone

Form = Literal["frames", "mp4"]

WAIT_S = 0.2
RETRY_S = 0.5
# In front of what is sent of a frame: number, capture and publish time (CLOCK_MONOTONIC, ns), flags, size, reserved.
HEADER = struct.Struct("<QQQIII")
KEYFRAME, HEAD = 1, 2

TEXTS = {
    "live": "",
    "stalled": "The producer runs, but no picture comes from it. Look at the camera's cable and at the producer's log.",
    "no keyframe": "The producer sends pictures, but no keyframe, with which alone a decoder can begin.",
    "closed": "The producer has ended. Waiting for the next one.",
    "dead": "The producer died. Waiting for the next one.",
    "none": "There is no such ring. Waiting for its producer.",
}


class Viewer:
    """send takes text or bytes, returns when they are on their way, and raises Gone."""

    def __init__(self, ring: str, form: Form, send: Callable[[str | bytes], None]) -> None:
        self._ring = ring
        self._form = form
        self._send = send
        self._over = threading.Event()
        self._state = ""
        self._kind: tuple[int, int, int] | None = None
        self._fragments: Fragments | None = None

    def close(self) -> None:
        """End run() soon. From any thread."""
        self._over.set()

    def run(self) -> None:
        """Until the browser has left."""
        while not self._over.is_set():
            try:
                with Consumer(self._ring, start="keyframe", resync=True, reconnect=True) as stream:
                    self._follow(stream)
            except ProducerNotRunning:
                self._tell_state("none")
            except VideoShmError as error:
                self._tell_state("error", f"{self._ring}: {error.strerror}")
            except Gone:
                return
            self._over.wait(RETRY_S)

    # ---- what is told ----

    def _tell(self, kind: str, **told: Any) -> None:
        self._send(json.dumps({"type": kind} | plain(told)))

    def _tell_state(self, state: str, text: str = "") -> None:
        if state != self._state:
            self._state = state
            self._tell("state", state=state, text=text or TEXTS[state])

    def _follow(self, stream: Consumer) -> None:
        watch = Watch(stream)
        begin = last = time.monotonic()
        written, first = stream.info().frames, True
        while not self._over.is_set():
            frame = stream.receive(WAIT_S)
            now = time.monotonic()
            if frame is not None:
                watch.note(frame)
                self._tell_state("live")
                self._show(frame)
                last, written = now, frame.number + 1
            else:
                self._tell_state(self._why_silent(stream.info(), now - last, written))
            if now - begin >= 1:
                second = watch.sum_up(now - begin)
                if not first:  # it has in it what lay in the ring
                    self._tell("second", **plain(second), dropped=_drops(stream))
                begin, first = now, False

    @staticmethod
    def _why_silent(info: RingInfo, silent_s: float, written: int) -> str:
        if info.state in (State.DEAD, State.CLOSED):
            return info.state.name.lower()
        if silent_s < STALLED_S:
            return "live"
        return "no keyframe" if info.frames > written else "stalled"

    # ---- the picture ----

    def _show(self, frame: Frame) -> None:
        if self._kind != (frame.codec, frame.width, frame.height) or frame.discontinuity:
            if not frame.is_keyframe:
                return
            self._begin(frame)
        flags = KEYFRAME if frame.is_keyframe else 0
        data = self._fragments.add(frame) if self._fragments is not None else frame.data
        if data:
            self._send_picture(frame, flags, data)

    def _begin(self, frame: Frame) -> None:
        self._end_fragments()
        self._kind = (frame.codec, frame.width, frame.height)
        form = "frames" if frame.codec not in (Codec.H264, Codec.H265) else self._form
        problem = ""
        if form == "mp4":
            try:
                self._fragments = Fragments(frame)
            except ImportError:
                problem = "For this browser the device needs PyAV: pip install 'video-shm[web]'."
            except (OSError, KeyError) as error:
                problem = f"The stream goes into no MP4: {error}"
        known = picture_format(frame.data, frame.codec)
        string = known.codec_string if known is not None else "jpeg" if frame.codec == Codec.JPEG else None
        self._tell(
            "stream",
            codec=codec_name(frame.codec),
            codec_string=string,
            width=frame.width,
            height=frame.height,
            form=form,
            problem=problem,
            first_ms=self._fragments.first_ns / 1e6 if self._fragments else 0,
        )
        if self._fragments is not None:
            self._send_picture(frame, HEAD, self._fragments.head)

    def _end_fragments(self) -> None:
        if self._fragments is not None:
            self._fragments.close()
            self._fragments = None

    def _send_picture(self, frame: Frame, flags: int, data: bytes) -> None:
        self._send(HEADER.pack(frame.number, frame.capture_ns, frame.publish_ns, flags, frame.size, 0) + data)


def _drops(stream: Consumer) -> dict[str, int]:
    info = stream.info()
    if not info.extended:
        return {"unknown": info.dropped}
    return {"busy": info.dropped_busy, "too large": info.dropped_too_large, "no space": info.dropped_no_space}
