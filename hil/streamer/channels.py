# SPDX-License-Identifier: Apache-2.0
"""Parses the description of a channel, from --channel or from the configuration file.

0:1920x1080@30,4M,slots=60,slot=1M      RING:WIDTHxHEIGHT@FPS,BITRATE,NAME=VALUE...
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

from vshm_ctypes import Codec, ring_name

CodecName = Literal["auto", "h264", "h265", "jpeg", "nv12", "i420", "yuyv", "rgb24", "bgr24", "grey"]
FOURCCS: dict[CodecName, str] = {  # V4L2's names of raw pictures
    "nv12": "NV12",
    "i420": "YU12",
    "yuyv": "YUYV",
    "rgb24": "RGB3",
    "bgr24": "BGR3",
    "grey": "GREY",
}
RAW_CODECS = (*FOURCCS,)
CODECS = {"h264": Codec.H264, "h265": Codec.H265, "jpeg": Codec.JPEG}  # of encoded pictures
EncoderName = Literal["auto", "libx264", "h264_v4l2m2m", "libx265", "mjpeg", "copy"]
MAKES: dict[EncoderName, CodecName] = {
    "libx264": "h264",
    "h264_v4l2m2m": "h264",
    "libx265": "h265",
    "mjpeg": "jpeg",
}
_PICTURE = re.compile(r"(\d+)x(\d+)(?:@(\d+(?:\.\d+)?))?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([kMG]?)")
_SCALES = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3}
_BINARY_SCALES = {"": 1, "k": 1024, "M": 1024**2, "G": 1024**3}
_MODE = re.compile(r"(?:0o?)?([0-7]{1,3})")
LEAST_BIT_RATE = 1000  # libx264 and libx265 count in units of 1000 bits
FPS_LIMITS = (0.001, 1000.0)
SLOTS, SLOT = 30, 512 * 1024  # of a ring that is encoded: those of version 1
LIMITS = {"width": (16, 8192), "height": (16, 8192), "gop": (1, 10_000), "quality": (1, 100), "slots": (2, 4096)}


class ChannelError(ValueError):
    """The description of a channel is not valid."""


def scaled(text: str, binary: bool = False) -> int:
    """Return the number in text such as 500k, 4M or 1048576.

    binary: 1k is 1024, as for sizes in memory. Raises ChannelError.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ChannelError(f"{text}: a number, with k, M or G behind it")
    return round(float(match[1]) * (_BINARY_SCALES if binary else _SCALES)[match[2]])


def permissions(said: object) -> int:
    """Return permission bits, given as text such as "0660": a number in TOML would be decimal. Raises ChannelError."""
    match = _MODE.fullmatch(said) if isinstance(said, str) else None
    if match is None or int(match[1], 8) == 0:
        raise ChannelError(f'mode={said}: permission bits in octal, such as 0660, or 0666 for all; in a file "0666"')
    return int(match[1], 8)


def unknown(name: str, known: Collection[str]) -> ChannelError:
    """Return an error that lists the known names."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    meant = f": did you mean {near[0]}?" if near else ""
    return ChannelError(f"{name}: no such name{meant}; there are {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class Channel:
    """One ring, and the stream that is written into it.

    width, height: in pixels, and fps: 0 keeps the camera's own. bit_rate: bits per second; 0 derives it from size and
    rate. quality: 1 to 100, used if no bit rate is given; 0 means 85 for JPEG, and encoding by bit rate for other
    codecs. gop: frames. profile: the encoder's name of it, which also determines the pixel format; by default a profile
    that every decoder supports. slots, slot: number of slots, and payload bytes of one; 0 means 30 and 512 KiB, and
    what its pictures need if they are raw. mode: permission bits of the ring and its semaphores.
    codec: "auto" becomes the codec of the encoder, or h264 if it can make several. encoder: "copy" passes the source's
    own access units through, of any codec if that is "auto"; size and rate, if given, are then required of the source.
    Pictures of a codec in RAW_CODECS are not encoded.
    """

    ring: str = ring_name()
    width: int = 0
    height: int = 0
    fps: float = 0.0
    codec: CodecName = "auto"
    encoder: EncoderName = "auto"
    bit_rate: int = 0
    quality: int = 0
    gop: int = 30
    profile: str = ""
    slots: int = 0
    slot: int = 0
    mode: int = 0o660

    def __post_init__(self) -> None:
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= most and (value != 0 or name not in ("width", "height", "quality", "slots")):
                raise ChannelError(f"{name}={value}: from {least} to {most}")
        if bool(self.width) != bool(self.height):
            raise ChannelError(f"{self.width}x{self.height}: both, or neither")
        if self.width % 2 or self.height % 2:
            raise ChannelError(
                f"{self.width}x{self.height}: even numbers, since colour is stored for two pixels at once"
            )
        if self.fps and not FPS_LIMITS[0] <= self.fps <= FPS_LIMITS[1]:
            raise ChannelError(f"fps={self.fps:g}: from {FPS_LIMITS[0]:g} to {FPS_LIMITS[1]:g}")
        if self.bit_rate and not LEAST_BIT_RATE <= self.bit_rate <= 10**9:
            raise ChannelError(f"bit_rate={self.bit_rate}: bits per second, from 1k to 1G")
        if self.slot and not 1024 <= self.slot <= 256 << 20:
            raise ChannelError(f"slot={self.slot}: from 1k to 256M")
        for name, known in (("codec", get_args(CodecName)), ("encoder", get_args(EncoderName))):
            if getattr(self, name) not in known:
                raise ChannelError(f"{name}={getattr(self, name)}: one of {', '.join(known)}")
        self._settle_codec()
        if self.is_raw or self.encoder == "copy":
            self._check_not_encoded()
        if not self.is_raw:
            object.__setattr__(self, "slots", self.slots or SLOTS)
            object.__setattr__(self, "slot", self.slot or SLOT)

    @property
    def is_raw(self) -> bool:
        """Whether its pictures are not encoded."""
        return self.codec in RAW_CODECS

    def _settle_codec(self) -> None:
        makes = MAKES.get(self.encoder)
        if self.codec == "auto" and self.encoder != "copy":
            object.__setattr__(self, "codec", makes or "h264")
        if makes and self.codec != makes:
            raise ChannelError(f"encoder={self.encoder}: makes {makes}, not {self.codec}")
        if self.is_raw and self.encoder == "copy":
            raise ChannelError(f"encoder=copy: passes on what the source has encoded, so codec={self.codec} can't be")

    def _check_not_encoded(self) -> None:
        why = f"codec={self.codec}" if self.is_raw else "encoder=copy"
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("bit_rate", "quality", "gop", "profile") and value != field.default:
                raise ChannelError(f"{field.name}={value}: not with {why}, where nothing is encoded")

    @classmethod
    def parse(cls, text: str, default: Mapping[str, Any] | None = None) -> Self:
        """Parse the argument of --channel.

        default: the values of what it does not set, by name. Raises ChannelError.
        """
        ring, _, rest = text.partition(":")
        values: dict[str, Any] = {"ring": _ring(ring)}
        for word in filter(None, rest.split(",")):
            name, equals, value = word.partition("=")
            if equals:
                values[name] = _value(name, value)
            elif picture := _PICTURE.fullmatch(word):
                values |= {"width": int(picture[1]), "height": int(picture[2])}
                values |= {"fps": float(picture[3])} if picture[3] else {}
            else:
                values["bit_rate"] = _bit_rate(word)
        return cls(**{**(default or {}), **values})

    @classmethod
    def of_table(cls, table: dict[str, Any], default: Mapping[str, Any] | None = None) -> Self:
        """Return the channel of a [[channel]] table in the configuration file. Raises ChannelError."""
        values = {name: _value(name, value) for name, value in table.items()}
        return cls(**{**(default or {}), **values})


def _bit_rate(word: str) -> int:
    """Parse a word that is neither NAME=VALUE nor a picture size. Raises ChannelError."""
    if _SIZE.fullmatch(word) is None:
        bit_rate = "a bitrate (a number, with k, M or G behind it)"
        raise ChannelError(f"{word}: neither a picture (1280x720, 1280x720@30) nor {bit_rate}")
    return scaled(word)


def _ring(text: Any) -> str:
    try:
        return ring_name(None if text == "" else text)
    except ValueError as error:
        raise ChannelError(str(error)) from None


def _value(name: str, value: Any) -> Any:
    kinds = {field.name: str(field.type) for field in fields(Channel)}
    if name not in kinds:
        raise unknown(name, kinds)
    if name == "ring":
        return _ring(value)
    if name == "mode":
        return permissions(value)
    try:
        if kinds[name] == "int":
            return scaled(str(value), binary=name == "slot")
        return float(value) if kinds[name] == "float" else str(value)
    except ValueError as error:
        raise ChannelError(f"{name}={value}: {error}") from None
