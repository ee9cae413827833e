# SPDX-License-Identifier: Apache-2.0
"""A channel: its thread takes the newest picture, encodes or converts it, and writes it into the ring."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from .books import Books
from .channels import CODECS, Channel
from .encoder import Encoded, Encoder
from .ledger import Ledger
from .log import LOG
from .outlet import Outlet
from .raw_pictures import CODECS as RAW_CODECS
from .raw_pictures import RawPictures, geometry_for
from .sources.source import Captured, Source

if TYPE_CHECKING:
    import av

PENDING_PICTURES = 8  # for a file, in which the newest picture is not more important than the others


class Lane:
    """Encodes from a source into one ring. A slow lane drops its own pictures, and never delays the others.

    encoder: its name, or None for a channel of raw pictures. width, height, fps: what the ring declares. If the channel
    sets no size, an encoder follows its pictures; raw pictures keep the first size, for which their slots were made.
    alone: no other lane gets the same pictures. Raises EncoderError, ProducerBusy, RingFull or VideoShmError.
    """

    def __init__(
        self, channel: Channel, source: Source, encoder: str | None, ledger: Ledger | None, alone: bool = False
    ) -> None:
        self.channel = channel
        self._source = source
        self._encoder_name = encoder
        self._source_size = source.width, source.height
        self.width, self.height = channel.width or source.width, channel.height or source.height
        self.fps = channel.fps or source.fps
        self._interval_ns = round(1e9 / channel.fps) if 0 < channel.fps < source.fps else 0
        self._next_ns = 0
        self._alone = alone
        self._encoder = self._new_encoder(encoder, self.width, self.height) if encoder is not None else None
        self._raw = RawPictures(RAW_CODECS[channel.codec], self.width, self.height) if channel.is_raw else None
        codec = self._raw.codec if self._raw is not None else CODECS[channel.codec]
        if self._encoder is not None:
            self.width, self.height = self._encoder.width, self._encoder.height
        geometry = geometry_for(channel, self._raw.layout) if self._raw is not None else None
        self.outlet = Outlet(channel, codec, self.width, self.height, self.fps, ledger, geometry=geometry)
        self._most_pending = 1 if source.live else PENDING_PICTURES
        self._wanted = threading.Condition()
        self._pending: list[Captured] = []
        self._encoding: dict[int, Captured] = {}  # by the time_ns that the encoder got
        self._last_ns = 0
        self._broken = False
        self._key_wanted = True
        self._over = False
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=channel.ring)
        self.outlet.start(self._thread)

    def _new_encoder(self, name: str, width: int, height: int) -> Encoder:
        return Encoder(self.channel, name, width, height, self.fps, self._alone)

    @property
    def books(self) -> Books:
        """The counters of this lane."""
        return self.outlet.books

    def offer(self, captured: Captured) -> None:
        """Pass a picture to this lane. Never waits: a newer picture of a camera replaces one that is still pending."""
        with self._wanted:
            if captured.bad:
                self.books.captured += 1
                self.books.source_error += 1
                self._broken = True
                return
            if self._interval_ns and captured.capture_ns < self._next_ns:
                self._broken = self._broken or captured.discontinuity
                return  # the channel's rate is lower than the camera's, and this picture is left out
            self._next_ns = max(self._next_ns + self._interval_ns, captured.capture_ns + self._interval_ns // 2)
            captured.discontinuity, self._broken = captured.discontinuity or self._broken, False
            self.books.captured += 1
            self._pending.append(captured)
            if len(self._pending) > self._most_pending:
                lost = self._pending.pop(0)
                self.books.encoder_dropped += 1
                following = self._pending[0]
                following.discontinuity = following.discontinuity or lost.discontinuity
            self._wanted.notify()

    def want_keyframe(self) -> None:
        """Make the next picture a keyframe."""
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
        except Exception as error:  # only this lane ends: the others and the camera go on
            self.failure = error
            LOG.error("%s: ended: %s", self.channel.ring, error)

    def _handle(self, captured: Captured) -> None:
        if self._raw is not None:
            if captured.picture is not None:
                self._convert(captured, captured.picture, self._raw)
        elif self._encoder is not None and captured.picture is not None:
            self._suit(captured.picture.width, captured.picture.height)
            key, self._key_wanted = self._key_wanted or captured.discontinuity, False
            # Encoders need increasing times, and a driver's time may lie before the last picture's, which was dated
            # when dequeued.
            self._last_ns = max(captured.capture_ns, self._last_ns + 1)
            self._encoding[self._last_ns] = captured
            encoded = self._encoder.encode(captured.picture, self._last_ns, key)
            captured.picture = None  # returns its buffer to the camera
            self._write(encoded)

    def _convert(self, captured: Captured, picture: av.VideoFrame, raw: RawPictures) -> None:
        """Write a picture as it is, but for size and pixel format, straight into a slot."""
        layout = raw.describe(picture)
        self.outlet.write_raw(layout, partial(raw.convert, picture), captured)
        captured.picture = None  # returns its buffer to the camera

    def _suit(self, width: int, height: int) -> None:
        """Open the encoder anew if the size changed and the channel sets none."""
        if self.channel.width or (width, height) == self._source_size or self._encoder_name is None:
            return
        assert self._encoder is not None
        self._source_size = width, height
        self._write(self._encoder.flush())
        self._encoder = self._new_encoder(self._encoder_name, width, height)
        self._key_wanted = True
        self._describe(self._encoder.width, self._encoder.height, self.fps)

    def _describe(self, width: int, height: int, fps: float) -> None:
        if (width, height, fps) != (self.width, self.height, self.fps):
            self.width, self.height, self.fps = width, height, fps
            self.outlet.describe(width, height, fps)
            LOG.info("%s: from here on %dx%d at %g fps", self.channel.ring, width, height, fps)

    def _write(self, encoded: list[Encoded]) -> None:
        for unit, time_ns in encoded:  # an encoder may delay pictures, so each unit gets its own times
            self.outlet.write(unit, self._encoding.pop(time_ns))

    def close(self) -> None:
        """Encode what is pending, and close the ring."""
        with self._wanted:
            self._over = True
            self._wanted.notify()
        self._thread.join()
        self.outlet.close()
