# SPDX-License-Identifier: Apache-2.0
"""The thread of the sound, which works from its source to its ring independently of the pictures."""

from __future__ import annotations

import threading
from dataclasses import replace

from vshm_ctypes import AudioFormat, Media
from vshm_ctypes.bitstream import AccessUnit, EntryPoint

from ..books import Books
from ..ledger import Ledger
from ..log import LOG
from ..outlet import Outlet
from ..sources.source import Captured, Source
from .cutter import Cutter
from .encoder import EncodedSound, SoundEncoder
from .options import CODECS, Sound

READ_TIMEOUT_S = 0.1  # the longest time until an end is handled


class SoundLane:
    """One ring of sound. source: an open one. Raises EncoderError, ProducerBusy, RingFull or VideoShmError.

    Its counters count frames of sound instead of pictures.
    """

    def __init__(self, sound: Sound, source: Source, ledger: Ledger | None) -> None:
        self.channel = sound.channel()
        self.source = source
        self.failure: Exception | None = None
        self._sound = sound
        self._cutter = Cutter(sound)
        self._encoder = SoundEncoder(sound)
        self._last_ns = 0
        self._encoding: dict[int, Captured] = {}  # by the encoder's number of the frame
        meta = AudioFormat(sound.rate, sound.channels, sound.samples).meta()
        codec = CODECS[sound.codec]
        self.outlet = Outlet(self.channel, codec, meta["width"], meta["height"], meta["fps"], ledger, media=Media.AUDIO)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=sound.ring)
        self.outlet.start(self._thread)

    @property
    def books(self) -> Books:
        """The counters of this lane."""
        return self.outlet.books

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                self._take(self.source.read(READ_TIMEOUT_S))
        except EOFError as error:
            LOG.info("%s", error)
        except Exception as error:  # only the sound ends: the pictures go on
            self.failure = error
            LOG.error("%s: ended: %s", self.channel.ring, error)
        try:
            self._write(self._encoder.flush())
        except Exception as error:
            self.failure = self.failure or error
            LOG.error("%s: its last frames are lost: %s", self.channel.ring, error)

    def _take(self, captured: Captured | None) -> None:
        if captured is None:
            return
        for samples, frame in self._cutter.cut(captured):
            self._encoding[self.books.captured] = frame
            self.books.captured += 1
            self._write(self._encoder.encode(samples))

    def _write(self, encoded: list[EncodedSound]) -> None:
        for data, number, early in encoded:
            frame = self._encoding.pop(number)
            begin_ns = frame.capture_ns - early * 1_000_000_000 // self._sound.rate
            self._last_ns = begin_ns = max(begin_ns, self._last_ns + 1)  # a source may correct its clock
            self.outlet.write(AccessUnit(data, EntryPoint.IDR), replace(frame, capture_ns=begin_ns))

    def close(self) -> None:
        """Encode what is pending, and close source and ring."""
        self._over.set()
        self._thread.join()
        self.source.close()
        self.outlet.close()
