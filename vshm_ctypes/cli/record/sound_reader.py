# SPDX-License-Identifier: Apache-2.0
"""Reads the sound of a recording."""

from __future__ import annotations

from ...commandline.output import complain
from ...consumer import Consumer
from ...errors import ProducerClosed, ProducerDied
from ...frame import Frame
from .files import Files
from .recording import Recording
from .sink import SinkError
from .steady_times import SteadyTimes

FIRST_SOUND_S = 2.0


class Listener:
    """Reads a ring of sound while pictures are recorded, and writes it into their files.

    Raises SinkError if no sound comes, ProducerClosed, ProducerDied.
    """

    def __init__(self, stream: Consumer) -> None:
        first = stream.receive(FIRST_SOUND_S)
        if first is None:
            advice = "start its writer, or record without --audio"
            raise SinkError(0, f"no sound within {FIRST_SOUND_S:g} s: {advice}", stream.ring)
        self.first: Frame = first
        self._pending: Frame | None = first
        self._stream: Consumer | None = stream
        self._times = SteadyTimes(stream.ring)

    def hand_over(self, files: Files, recording: Recording) -> None:
        """Write all sound that has come by now. Raises SinkError, OSError."""
        while (frame := self._receive(over=bool(recording.ended))) is not None:
            if files.sound_frames:  # what was missed earlier is from before the pictures
                recording.sound_missed += frame.missed_before
            files.write_sound(self._times.steady(frame, frame.publish_ns))

    def _receive(self, over: bool) -> Frame | None:
        frame, self._pending = self._pending, None
        if frame is not None or self._stream is None:
            return frame
        try:
            return self._stream.receive(0)
        except (ProducerClosed, ProducerDied):
            if not over:
                told = "the sound has ended, the pictures go on; with --reconnect so would sound"
                complain(f"{self._stream.ring}: {told}")
            self._stream = None
            return None
