# SPDX-License-Identifier: Apache-2.0
"""Captures some seconds of all streams at once: when each frame came and, if wanted, the frames themselves."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ...bundles.members import ENDINGS, FRAME_FIELDS
from ...codec import RAW_CODECS, Codec
from ...commandline.ending import held
from ...consumer import Consumer
from ...errors import ProducerDied, VideoShmError
from ...frame import Frame
from ...latencies import Latencies

MOST_BYTES = 256 * 1024**2  # of one stream's access units
MOST_RAW_BYTES = 16 * 1024**2  # of raw pictures, of which one tells as much as many
SLICE_S = 0.2


@dataclass(slots=True)
class Captured:
    """What was captured of one ring.

    Attributes:
        ring: name of the ring.
        latencies: from publication to reception.
        frames: FRAME_FIELDS of each frame.
        picture: the access units one after the other; None if they are not wanted.
        pictured: how many frames are in picture.
        missed: frames overwritten before they could be read.
        cut: whether picture ends early, at MOST_BYTES or MOST_RAW_BYTES.
        ended: why the capture ended early; empty if it did not.
    """

    ring: str
    latencies: Latencies = field(default_factory=Latencies)
    frames: list[tuple[int, ...]] = field(default_factory=list)
    picture: IO[bytes] | None = None
    pictured: int = 0
    missed: int = 0
    cut: bool = False
    ended: str = ""

    @property
    def ending(self) -> str:
        """The file name ending for picture."""
        codec = self.frames[0][FRAME_FIELDS.index("codec")] if self.frames else -1
        return ENDINGS[Codec(codec)] if codec in set(ENDINGS) else "bin"

    def note(self, frame: Frame, received_ns: int) -> None:
        """Take one more frame."""
        told = (frame.number, frame.size, frame.is_keyframe, frame.discontinuity, frame.codec)
        self.frames.append((*map(int, told), frame.capture_ns, frame.publish_ns, received_ns))
        self.missed += frame.missed_before
        if len(self.frames) > 1 and frame.publish_ns:  # the first may have been in the ring already
            self.latencies.add(received_ns - frame.publish_ns)
        if self.picture is not None and not self.cut:
            most = MOST_RAW_BYTES if frame.codec in RAW_CODECS and self.pictured else MOST_BYTES
            self.cut = self.picture.tell() + frame.size > most
            if not self.cut:
                self.picture.write(frame.data)
                self.pictured += 1


def _capture(captured: Captured, until: float, over: threading.Event) -> None:
    try:
        with Consumer(captured.ring, start="keyframe", resync=True) as stream:
            while not over.is_set() and (left := until - time.monotonic()) > 0:
                try:
                    frame = stream.receive(min(left, SLICE_S))
                except ProducerDied as error:  # reading on waits for the next producer
                    captured.ended = error.strerror or ""
                    continue
                if frame is not None:
                    captured.note(frame, time.monotonic_ns())
    except (VideoShmError, OSError) as error:
        captured.ended = error.strerror or str(error)


def _nameless(folder: Path) -> IO[bytes]:
    with held():  # on a file system without nameless files it has a name for a moment
        return tempfile.TemporaryFile(dir=folder)


def capture(
    rings: list[str], seconds: float, video: bool, folder: Path, told: Callable[[float], None]
) -> list[Captured]:
    """Capture all rings at once, each in a thread of its own. folder is for temporary files, which have no names."""
    begin = time.monotonic()
    over = threading.Event()
    found = [Captured(ring, picture=_nameless(folder) if video else None) for ring in rings]
    threads = [threading.Thread(target=_capture, args=(one, begin + seconds, over)) for one in found]
    with held() as hold:  # so that every thread that was started is joined
        try:
            for thread in threads:
                thread.start()
            with hold.lifted():
                while any(thread.is_alive() for thread in threads):
                    told(min((time.monotonic() - begin) / seconds, 1))
                    time.sleep(min(SLICE_S, seconds / 10))
        finally:
            over.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
    return found


def summary(captured: Captured) -> dict[str, Any]:
    """Return the summary of one stream for JSON."""
    percentiles = {percent: captured.latencies.percentile_s(percent) for percent in (50, 90, 99, 99.9, 100)}
    return {
        "ring": captured.ring,
        "frames": len(captured.frames),
        "missed": captured.missed,
        "ended": captured.ended,
        "picture": {"frames": captured.pictured, "cut": captured.cut} if captured.picture is not None else None,
        "latency_s": {percent: value for percent, value in percentiles.items() if value is not None},
        "latency_histogram": list(captured.latencies.histogram()),
    }
