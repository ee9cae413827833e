# SPDX-License-Identifier: Apache-2.0
"""Reads a ring, and another one with its sound, into the files of a recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ...bitstream import EntryPoint
from ...commandline.output import complain, counted
from ...consumer import Consumer
from ...decodable import Picture
from ...earlier import DecodableOfRing
from ...errors import Interrupted, ProducerClosed, ProducerDied
from ...frame import Frame
from .files import Files
from .recording import Recording
from .sound_reader import Listener
from .stall_report import Patience
from .steady_times import SteadyTimes
from .timing import TimingSink

TICK_S = 0.5  # the longest time without an update of the progress, even if no frame comes


class Recorder:
    """Records a stream.

    Args:
        stream: the reader, opened with resync.
        recording: is kept up to date.
        files: where the pictures go.
        timing: where the publication time of each frame goes, or None.
        listener: reads the sound that belongs to the pictures, or None.
    """

    def __init__(
        self,
        stream: Consumer,
        recording: Recording,
        files: Files,
        timing: TimingSink | None = None,
        listener: Listener | None = None,
    ) -> None:
        self._stream, self._recording, self._files = stream, recording, files
        self._timing, self._listener = timing, listener
        self._decodable, self._patience = DecodableOfRing(stream.ring), Patience(stream)
        self._times = SteadyTimes(stream.ring)
        self._noted = 0  # missed frames that were reported
        self._at_seam = False  # the next file has begun, or waits for a keyframe

    def record(self, count: int | None, seconds: float | None, advance: Callable[[Recording], None]) -> OSError | None:
        """Record until the end, and set recording.ended to its reason. Returns the error of the files, or None."""
        failure: OSError | None = None
        try:
            self._read(count, seconds, advance)
        except (Interrupted, KeyboardInterrupt):
            self._recording.ended = "interrupt"
        except ProducerClosed:
            self._recording.ended = "closed"
        except ProducerDied:
            self._recording.ended = "died"
        except OSError as error:
            failure = error
        self._tell_cut()
        self._recording.cut += self._patience.end()
        if failure is None and self._recording.ended != "count":
            self._patience.end_early()
        endings = [self._files.close, *([self._timing.close] if self._timing is not None else [])]
        for end in endings if failure else [self._listen, *endings]:
            try:
                end()
            except OSError as error:  # for instance, the disk is still full
                failure = failure or error
        self._recording.files = self._files.names
        self._recording.sound_frames = self._files.sound_frames
        if failure is not None:
            self._recording.ended = "error"
        return failure

    def recount(self) -> None:
        """After a failure, correct the recording to what is in the files. Raises OSError."""
        self._files.recount()
        told = self._recording
        told.frames, told.bytes, told.sound_frames = self._files.frames, self._files.bytes, self._files.sound_frames
        if self._timing is not None:
            self._timing.keep(told.frames)

    def _read(self, count: int | None, seconds: float | None, advance: Callable[[Recording], None]) -> None:
        for frame in self._frames(seconds, advance):
            self._recording.missed += frame.missed_before
            picture = self._take(frame)
            if picture is None:
                continue
            self._write(picture)
            if count is not None and self._recording.frames >= count:
                self._recording.ended = "count"
                return

    def _take(self, frame: Frame) -> Picture | None:
        """Return the picture to record, or None. One for a new file is a keyframe that needs nothing before it."""
        self._at_seam = self._at_seam and not frame.missed_before
        picture = self._decodable.take(frame)
        if picture is not None and not picture.begins:
            if not self._files.fits(picture):
                self._decodable.skip()
                picture, self._at_seam = self._decodable.take(frame), True
            elif picture.entry is not EntryPoint.NONE:
                self._at_seam = False
        if picture is None and self._at_seam:
            self._recording.cut += 1
        elif picture is None:
            self._patience.refused(frame, self._decodable.refusal)
        return picture

    def _tell_cut(self) -> None:
        if self._recording.cut:
            lost = f"left out where another file begins: {counted(self._recording.cut, 'frame')}"
            complain(f"{lost} that refer to pictures in the file before; .mkv takes all in one file")

    def _frames(self, seconds: float | None, advance: Callable[[Recording], None]) -> Iterator[Frame]:
        """Yield frames until the time is over, and keep sound and progress going even if no frame comes."""
        begin = time.monotonic()
        while True:
            left = TICK_S if seconds is None else begin + seconds - time.monotonic()
            frame = self._stream.receive(min(max(left, 0), TICK_S))
            self._recording.seconds = time.monotonic() - begin
            if frame is not None:
                yield self._times.steady(frame, frame.publish_ns or self._now_if_newest())
            self._listen()
            self._patience.look()
            advance(self._recording)
            if left <= 0:
                self._recording.ended = "time"
                return

    def _now_if_newest(self) -> int | None:
        """Return when the frame of a version 1 writer was published, ns: just now, unless it was read late."""
        info = self._stream.info()
        return time.monotonic_ns() if info.next_frame == info.frames else None

    def _write(self, picture: Picture) -> None:
        if picture.begins:
            self._note_gap(picture)
        if self._timing is not None:  # first, since a line can be removed again
            self._timing.write(picture.frame)
        try:
            self._files.write(picture)
        except KeyboardInterrupt:
            self._patience.untaken(picture.frame, self._files.names[-1])
            raise
        self._recording.frames, self._recording.bytes = self._files.frames, self._files.bytes
        self._patience.recorded(picture)

    def _note_gap(self, picture: Picture) -> None:
        lost, self._noted = self._recording.missed - self._noted, self._recording.missed
        frame = picture.frame
        if self._recording.frames:
            if not lost and not self._files.fits(picture):
                return  # the stream has changed, which Files reports
            self._recording.gaps += 1
            why = f"{lost} frames missed" if lost else "the stream was interrupted"
            complain(f"gap before frame {frame.number}: {why}; it goes on at this keyframe")
        elif lost:
            complain(f"{lost} frames were overwritten before they could be read: it begins at frame {frame.number}")

    def _listen(self) -> None:
        if self._listener is not None:
            self._listener.hand_over(self._files, self._recording)
