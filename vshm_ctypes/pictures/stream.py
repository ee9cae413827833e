# SPDX-License-Identifier: Apache-2.0
"""Frames in, decoded pictures out: where decoding begins, what a gap and damage cost, and the books of it all."""

from __future__ import annotations

import errno
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..bitstream import EntryPoint, Order, StreamError, entry_point, whole_jpeg
from ..bitstream.exif import exif_orientation
from ..codec import RAW_CODECS, Codec, codec_name
from ..earlier import DecodableOfRing
from ..errors import BrokenPicture, IncompatibleRing
from ..frame import Described, Flag, Frame
from ..printable import printable
from .silence import Silence
from .turning import EXIF, Orientation, Signs

if TYPE_CHECKING:
    from .decoder import Decoder

_HELD = 32  # frames; a decoder holds back 16 at most, so what is older never comes


@dataclass(slots=True)
class PictureBooks:
    """What became of the frames of a ring: span == returned + skipped + damaged + missed + those still in the decoder.

    Attributes:
        span: frames from the first one read up to the last.
        returned: pictures that the program got.
        skipped: frames whose picture was passed over: by the policy, or for want of a keyframe to begin at.
        damaged: access units with errors, or that refer to such; their pictures are never returned.
        missed: frames overwritten in the ring before they could be read; with the policy "newest" these are skipped.
    """

    span: int = 0
    returned: int = 0
    skipped: int = 0
    damaged: int = 0
    missed: int = 0

    @property
    def lost(self) -> Lost:
        """How many frames have been lost by now."""
        return Lost(self.missed, self.skipped, self.damaged)

    def enter(self, frame: Described, by_choice: bool) -> None:
        """Count a frame that was read, and those that were overwritten before it, for want of time or by choice."""
        self.span += 1 + frame.missed_before
        self.skipped += frame.missed_before if by_choice else 0
        self.missed += 0 if by_choice else frame.missed_before


class Lost(NamedTuple):
    """How many frames had been lost at some time."""

    missed: int = 0
    skipped: int = 0
    damaged: int = 0


class Decoded(NamedTuple):
    """A picture, PyAV's or a frame that is raw, with its frame's metadata, and what was lost until then.

    signs: how it is to be shown, as turned() takes them; None: as PyAV's picture says.
    """

    frame: Described
    picture: Any
    lost: Lost
    signs: Signs | None = None


class Unit(NamedTuple):
    """What a decoder gets of a frame, and the place of its picture in output order, if the stream tells it."""

    frame: Described
    data: bytes
    order: Order | None
    signs: Signs | None = None


class DecodedStream:
    """Decodes the frames of a ring, which are given to it in order. newest: the program wants no picture but that."""

    def __init__(self, ring: str, books: PictureBooks, newest: bool, options: dict[str, str]) -> None:
        self._ring, self._books, self._newest, self._options = ring, books, newest, options
        self._codec: int | None = None
        self._decoder: Decoder | None = None
        self._decodable = DecodableOfRing(ring)
        self._is_fresh = True  # whether the decoder has nothing that what follows could refer to
        self._inside: dict[int, Unit] = {}  # by frame number, what is in the decoder
        self._outside: list[tuple[Unit, Any]] = []  # pictures that wait for one that they may refer to
        self._orientation = Orientation()
        self._warned: set[str] = set()
        self.silence = Silence(ring)

    def take(self, frame: Frame, *, alone: bool = False) -> list[Decoded]:
        """Return the pictures that are complete now. alone: nothing but keyframes is given, each for itself.

        Raises IncompatibleRing for sound or an unknown codec.
        """
        is_other = frame.codec != self._codec
        out = self.end() if is_other or frame.missed_before or frame.discontinuity else []
        self._books.enter(frame, self._newest)
        if is_other:
            self._begin(frame.codec)
        if alone:
            self._decodable.skip()
        if frame.flags & Flag.CORRUPT:
            out += self.end()  # what came before the damage is whole
            self._lose()
        elif frame.codec in RAW_CODECS:
            out += self._raw(frame)
        elif (unit := self._unit(frame)) is not None:
            out += self._decode(unit)
        return out + self.end() if alone else out

    def end(self) -> list[Decoded]:
        """Return the pictures that the decoder still holds back, and let it begin anew."""
        out = []
        if self._decoder is not None and not self._is_fresh:
            out = self._sorted(self._decoder.drain())
            out += self._as_decoded(self._outside)
            self._outside = []
        self._forget()
        return out

    def jump(self, passed_over: Sequence[Described]) -> None:
        """Go on with the next entry point, without the pictures that are held back and these frames."""
        self._books.skipped += len(self.end()) + len(passed_over)
        for frame in passed_over:
            self._books.enter(frame, self._newest)
        self._decodable.skip()

    def _begin(self, codec: int) -> None:
        self._codec, self._decoder = None, None
        if codec not in RAW_CODECS:
            from .decoder import DECODERS, Decoder

            if codec not in DECODERS:
                told = f"it carries {codec_name(codec)}, which has no pictures to decode"
                raise IncompatibleRing(errno.EPROTO, self._ring, told)
            self._decoder = Decoder(Codec(codec), self._options)
            self._orientation = Orientation()
        self._codec = codec

    def _raw(self, frame: Frame) -> list[Decoded]:
        """Return a raw picture, which needs no decoder."""
        try:
            frame.layout  # noqa: B018 - refuses what is no such picture
        except BrokenPicture:
            self._lose()
            return []
        self.silence.is_over = True
        return [Decoded(frame, frame, self._books.lost)]

    def _unit(self, frame: Frame) -> Unit | None:
        """Return what the decoder gets of a frame, if anything."""
        described = Described(frame._view)
        if frame.codec == Codec.JPEG:  # decodable by itself, whatever its writer has flagged
            try:
                data = whole_jpeg(frame.data)
                return Unit(described, data, None, EXIF.get(exif_orientation(data) or 0))
            except StreamError:
                self._lose()
                return None
        found = self._decodable.take(frame)
        if found is None:
            self._books.skipped += 1
            self._warn(frame.number)
            return None
        return Unit(described, found.data, found.order)

    def _warn(self, number: int) -> None:
        """Warn, once, of what the writer alone can mend, and for which no picture comes."""
        why = self._decodable.refusal
        if why is not None and why not in self._warned:
            self._warned.add(why)
            warnings.warn(f"{printable(self._ring)}: frame {number} {why}", RuntimeWarning, stacklevel=2)

    def _decode(self, unit: Unit) -> list[Decoded]:
        assert self._decoder is not None
        self._inside[unit.frame.number] = unit
        self._is_fresh = False
        pictures = self._decoder.decode(unit.data, unit.frame.number)
        return self._give_up(unit.frame.number) if pictures is None else self._sorted(pictures)

    def _sorted(self, pictures: list[Any]) -> list[Decoded]:
        """Return the pictures that refer to nothing that is still in the decoder, and may turn out to be damaged."""
        for picture in pictures:
            if picture.is_corrupt:
                return self._give_up(picture.pts)
            if (unit := self._inside.pop(picture.pts, None)) is not None:
                if self._codec == Codec.H264:
                    unit = unit._replace(signs=self._orientation.of(picture))
                self._outside.append((unit, picture))
        while len(self._inside) > _HELD:
            del self._inside[next(iter(self._inside))]
            self._books.skipped += 1
        free: list[tuple[Unit, Any]] = []
        while self._outside and not any(_may_use(self._outside[0][0], one) for one in self._inside.values()):
            free.append(self._outside.pop(0))
        return self._as_decoded(free)

    def _as_decoded(self, pictures: list[tuple[Unit, Any]]) -> list[Decoded]:
        self.silence.is_over = self.silence.is_over or bool(pictures)
        return [Decoded(unit.frame, picture, self._books.lost, unit.signs) for unit, picture in pictures]

    def _give_up(self, number: int) -> list[Decoded]:
        """Begin anew after a damaged unit. Returns the pictures before it, which are whole."""
        assert self._decoder is not None
        self._decoder.restart()
        self._inside.pop(number, None)
        out = self._as_decoded([one for one in self._outside if one[0].frame.number < number])
        self._books.skipped += len(self._outside) - len(out)
        self._outside = []
        self._forget()
        self._lose()
        return out

    def _lose(self) -> None:
        """Count a damaged unit, and go on with the next entry point: all until then refers to it, directly or not."""
        self._books.damaged += 1
        self.silence.damaged(self._books.damaged, self._codec)
        self._decodable.skip()

    def _forget(self) -> None:
        self._is_fresh = True
        self._books.skipped += len(self._inside)
        self._inside.clear()


def _may_use(unit: Unit, other: Unit) -> bool:
    """Return whether a picture may refer to another one that comes out of the decoder after it."""
    if unit.order is None or other.order is None:
        return False
    return other.frame.number < unit.frame.number and other.order > unit.order


def begins_anew(frame: Frame) -> bool:
    """Return whether nothing before the frame is needed for it and for what follows."""
    if stands_alone(frame.codec):
        return True
    return frame.is_keyframe and entry_point(frame.data, frame.codec) is EntryPoint.IDR


def stands_alone(codec: int | None) -> bool:
    """Return whether each frame of a codec is a picture by itself, whatever its writer flags."""
    return codec == Codec.JPEG or codec in RAW_CODECS
