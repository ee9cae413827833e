# SPDX-License-Identifier: Apache-2.0
"""A channel at work: takes the newest picture, encodes it and hands it to the ring, in a thread of its own."""

from __future__ import annotations

import threading

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, ParameterSets, picture_format

from .books import Books
from .channels import Channel
from .encoder import CODECS, Encoded, Encoder
from .ledger import Ledger
from .log import LOG
from .outlet import Outlet
from .sources.source import Captured, Source

PENDING_UNITS = 60  # of a source that is encoded already: none of them may be left out
PENDING_PICTURES = 8  # of a file, in which there is no newest picture that matters more than the others
MAX_FPS = 255  # that the ring can say


class Lane:
    """From a source to one ring. A slow lane loses pictures of its own and holds up nobody.

    encoder: its name; None: the source's own access units are passed through. width, height, fps: what the ring says
    of its pictures; of a stream that is passed through they are its own, and where the channel has no size of its own,
    an encoder's are those of what it gets. Raises EncoderError, ProducerBusy, RingFull, VideoShmError.
    """

    def __init__(self, channel: Channel, source: Source, encoder: str | None, ledger: Ledger | None) -> None:
        self.channel = channel
        self._source = source
        self._encoder_name = encoder
        self._source_size = source.width, source.height
        self.width, self.height = channel.width or source.width, channel.height or source.height
        self.fps = channel.fps or source.fps
        slower = 0 < channel.fps < source.fps and encoder is not None  # encoded pictures lean on each other
        self._interval_ns = round(1e9 / channel.fps) if slower else 0
        self._next_ns = 0
        self._encoder = Encoder(channel, encoder, self.width, self.height, self.fps) if encoder is not None else None
        self._codec = CODECS[channel.codec] if encoder is not None else (source.codec or Codec.H264)
        if self._encoder is not None:
            self.width, self.height = self._encoder.width, self._encoder.height
        self._sets = ParameterSets(self._codec)
        self.outlet = Outlet(channel, self._codec, self.width, self.height, self.fps, ledger)
        self._most_pending = 1 if source.live else PENDING_PICTURES
        if encoder is None:
            self._most_pending = PENDING_UNITS
        self._wanted = threading.Condition()
        self._pending: list[Captured] = []
        self._encoding: dict[int, Captured] = {}  # by the time that the encoder was told
        self._last_ns = 0
        self._broken = False
        self._key_wanted = True
        self._over = False
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=channel.ring)
        self._thread.start()

    @property
    def books(self) -> Books:
        """This lane's books."""
        return self.outlet.books

    def offer(self, captured: Captured) -> None:
        """A picture for this lane. Never waits: where one of a camera is still pending, the newer wins."""
        with self._wanted:
            if captured.bad:
                self.books.captured += 1
                self.books.source_error += 1
                self._broken = True
                return
            if self._interval_ns and captured.capture_ns < self._next_ns:
                self._broken = self._broken or captured.discontinuity
                return  # the channel is slower than the camera: not its picture
            self._next_ns = max(self._next_ns + self._interval_ns, captured.capture_ns + self._interval_ns // 2)
            captured.discontinuity, self._broken = captured.discontinuity or self._broken, False
            self.books.captured += 1
            self._pending.append(captured)
            if len(self._pending) > self._most_pending:
                lost = self._pending.pop(0)
                self.books.encoder_dropped += 1
                following = self._pending[0]
                following.discontinuity = following.discontinuity or lost.discontinuity or self._encoder is None
            self._wanted.notify()

    def want_keyframe(self) -> None:
        """The next picture is to be key."""
        self._key_wanted = True

    def _take(self) -> Captured | None:
        with self._wanted:
            while not self._pending and not self._over:
                self._wanted.wait()
            return self._pending.pop(0) if self._pending else None

    def _run(self) -> None:
        try:
            while (captured := self._take()) is not None:
                self._handle(captured)
            if self._encoder is not None:
                self._write(self._encoder.flush())
        except Exception as error:  # the lane ends; the others and the camera go on
            self.failure = error
            LOG.error("%s: ended: %s", self.channel.ring, error)

    def _handle(self, captured: Captured) -> None:
        if self._encoder is None:
            if captured.unit is not None:
                self._pass_on(captured, captured.unit)
        elif captured.picture is not None:
            self._suit(captured.picture.width, captured.picture.height)
            key, self._key_wanted = self._key_wanted or captured.discontinuity, False
            # Always rising, as encoders want it: a driver's time may lie before the time of dequeue of the last one.
            self._last_ns = max(captured.capture_ns, self._last_ns + 1)
            self._encoding[self._last_ns] = captured
            encoded = self._encoder.encode(captured.picture, self._last_ns, key)
            captured.picture = None  # its buffer goes back to the camera
            self._write(encoded)

    def _pass_on(self, captured: Captured, unit: AccessUnit) -> None:
        """A source's own access unit; what it says of its pictures is what the ring says."""
        unit = self._sets.complete(unit)
        told = picture_format(unit.data, self._codec) if unit.keyframe else None
        if told is not None:
            fps = told.fps if told.fps is not None and 1 <= round(told.fps) <= MAX_FPS else self._source.fps
            self._describe(told.width, told.height, fps)
        self.outlet.write(unit, captured)

    def _suit(self, width: int, height: int) -> None:
        """Before a picture of another size is encoded: where the channel has none of its own, it follows."""
        if self.channel.width or (width, height) == self._source_size or self._encoder_name is None:
            return
        assert self._encoder is not None
        self._source_size = width, height
        self._write(self._encoder.flush())
        self._encoder = Encoder(self.channel, self._encoder_name, width, height, self.fps)
        self._key_wanted = True
        self._describe(self._encoder.width, self._encoder.height, self.fps)

    def _describe(self, width: int, height: int, fps: float) -> None:
        if (width, height, fps) != (self.width, self.height, self.fps):
            self.width, self.height, self.fps = width, height, fps
            self.outlet.describe(width, height, fps)
            LOG.info("%s: from here on %dx%d at %g fps", self.channel.ring, width, height, fps)

    def _write(self, encoded: list[Encoded]) -> None:
        for unit, time_ns in encoded:  # an encoder may hold pictures back: each unit has its own picture's times
            self.outlet.write(unit, self._encoding.pop(time_ns))

    def close(self) -> None:
        """Encode what is pending, close the ring."""
        with self._wanted:
            self._over = True
            self._wanted.notify()
        self._thread.join()
        self.outlet.close()
