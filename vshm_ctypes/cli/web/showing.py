# SPDX-License-Identifier: Apache-2.0
"""Turns frames into messages for a browser: a description of the stream, then the stream in the form it can play."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any, Literal

from ...bitstream import EntryPoint
from ...codec import RAW_CODECS, Codec, codec_name
from ...commandline.output import plain
from ...decodable import Picture
from ...frame import Frame
from ..record.sink import SinkError, time_ns
from .flow import Flow
from .fragments import Fragments
from .pictures import VIDEO, Part, Pictures
from .sound import SOUND, Sound

Form = Literal["frames", "mp4"]

# The header of each message: number, time (ns), publication time (ns of CLOCK_MONOTONIC), flags, size, reserved.
# The time is that of capture by CLOCK_MONOTONIC if CAPTURED is set, else by any clock; in a HEAD it is that of time 0.
HEADER = struct.Struct("<QQQIII")
KEYFRAME, HEAD, RECOVERY_POINT, CAPTURED = 1, 2, 4, 8
_FLAGS = {EntryPoint.NONE: 0, EntryPoint.IDR: KEYFRAME, EntryPoint.RECOVERY_POINT: KEYFRAME | RECOVERY_POINT}
ASK_AGAIN_S = 0.2
_NO_MP4 = "The stream can't be put into MP4, which this browser needs"
_RAW = (
    "These are raw pictures ({}), which browsers do not play. Let the producer write an encoded ring beside this one, "
    "as camera-streamer does with another --channel."
)
_IN_MP4 = (Codec.H264, Codec.H265, Codec.AAC, Codec.OPUS)


class Showing:
    """Sends one ring to one browser; if the browser falls behind, it goes on from a later entry point.

    Args:
        ring: name of the ring.
        form: what the browser plays.
        needs_idr: whether the browser can begin only at an IDR picture.
        send: sends text or bytes; raises Gone.
        flow: tells whether the browser keeps up.

    Attributes:
        skipped: frames that were not sent because the browser was behind.
    """

    def __init__(self, ring: str, form: Form, needs_idr: bool, send: Callable[[str | bytes], None], flow: Flow) -> None:
        self.skipped = 0
        self._ring = ring
        self._form = form
        self._needs_idr = needs_idr
        self._send = send
        self._flow = flow
        self._skips = False
        self._resumes = False  # the frame in the muxer is from before a gap
        self._codec: int | None = None
        self._material: Pictures | Sound | None = None
        self._fragments: Fragments | None = None

    @property
    def waits(self) -> str:
        """Why the browser gets none of the frames; empty if it gets them."""
        return self._material.waits if self._material is not None else ""

    def tell(self, kind: str, **told: Any) -> None:
        """Send a message of that kind."""
        self._send(json.dumps({"type": kind} | plain(told)))

    def show(self, frame: Frame, is_patient: Callable[[], bool] = lambda: False) -> None:
        """Send the next frame, or skip it if the browser does not keep up and is_patient() returns False."""
        if frame.codec != self._codec or (self._fragments is not None and not self._fragments.reaches(frame)):
            self._choose(frame.codec)
        if self._material is None:
            return
        part = self._material.take(frame)
        if part is not None and part.begins is not None:
            self._begin(part.unit, part.begins)
        self._skips = (self._skips and part is None) or not self._keeps_up(is_patient)
        if self._skips:
            self._resumes = True
            self._material.skip()
            self.skipped += 1
        elif part is not None:
            self._pass_on(frame, part)

    def _keeps_up(self, is_patient: Callable[[], bool]) -> bool:
        while is_patient():
            if self._flow.wait(ASK_AGAIN_S):
                return True
        return self._flow.wait()

    def _pass_on(self, frame: Frame, part: Part) -> None:
        if self._fragments is None:
            self._send_unit(part.unit, part.unit.data)
            return
        try:
            self._send_fragments(self._fragments, part.unit)
        except SinkError as error:
            self._tell_problem(frame.codec, f"{_NO_MP4}: {error.strerror}")
            self._choose(frame.codec)  # begin again at the next entry point

    def close(self) -> None:
        """Close the muxer, if any."""
        if self._fragments is not None:
            self._fragments.close()
            self._fragments = None

    def _choose(self, codec: int) -> None:
        self.close()
        self._codec = codec
        if codec in VIDEO:
            self._material = Pictures(self._ring, Codec(codec), self._needs_idr)
        elif codec in SOUND:
            self._material = Sound()
        elif codec in RAW_CODECS:
            self._material = None
            self._tell_problem(codec, _RAW.format(codec_name(codec)))
        else:
            self._material = None
            shown = ", ".join(one.name.replace("H26", "H.26").partition("_")[0] for one in (*VIDEO, *SOUND))
            problem = f"The producer calls this codec {codec}, which the page can't show. It shows {shown}."
            self._tell_problem(codec, problem)

    def _tell_problem(self, codec: int, problem: str) -> None:
        self.tell("stream", media="video", codec=codec_name(codec), codec_string=None, problem=problem)

    def _begin(self, unit: Picture, told: dict[str, Any]) -> None:
        self.close()
        form = self._form if unit.frame.codec in _IN_MP4 else "frames"
        problem = ""
        if form == "mp4":
            try:
                self._fragments = Fragments(unit)
            except ImportError:
                problem = "For this browser the device needs PyAV: pip install 'video-shm[web]'."
            except SinkError as error:
                problem = f"{_NO_MP4}: {error.strerror}"
        self.tell("stream", **told, form=form, problem=problem)

    def _send_fragments(self, fragments: Fragments, unit: Picture) -> None:
        resumes, self._resumes = self._resumes, False
        for earlier, data in fragments.add(unit):
            if fragments.head:
                self._send_part(HEADER.pack(0, fragments.begin_ns, 0, HEAD, 0, 0) + fragments.head)
                fragments.head = b""
            if resumes:  # it is from before a gap, and nothing refers to it
                self.skipped += 1
            else:
                self._send_unit(earlier, data)

    def _send_unit(self, unit: Picture, data: bytes) -> None:
        frame = unit.frame
        flags = _FLAGS[unit.entry] | (CAPTURED if frame.capture_ns else 0)
        self._send_part(HEADER.pack(frame.number, time_ns(frame), frame.publish_ns, flags, frame.size, 0) + data)

    def _send_part(self, part: bytes) -> None:
        self._flow.sent(len(part))
        self._send(part)
