# SPDX-License-Identifier: Apache-2.0
"""The kinds of recordings by file name ending: containers and raw streams, and the codecs that each can hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...codec import Codec, codec_name

PICTURES = (Codec.H264, Codec.H265, Codec.JPEG)
SOUNDS = (Codec.OPUS, Codec.AAC, Codec.PCM_S16LE)


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file.

    Attributes:
        muxer: FFmpeg's name of the container; empty for a raw stream, one frame after the other.
        codecs: the codecs that it can hold; None for any.
    """

    muxer: str
    codecs: tuple[Codec, ...] | None

    def takes(self, codec: int) -> bool:
        """Return whether the file can hold the codec. A raw stream can't hold Opus, whose packets have no length."""
        return codec in self.codecs if self.codecs is not None else codec != Codec.OPUS


ANY_RAW = FileKind("", None)
RAW = {
    ".h264": FileKind("", (Codec.H264,)),
    ".264": FileKind("", (Codec.H264,)),
    ".h265": FileKind("", (Codec.H265,)),
    ".265": FileKind("", (Codec.H265,)),
    ".hevc": FileKind("", (Codec.H265,)),
    ".mjpeg": FileKind("", (Codec.JPEG,)),
    ".mjpg": FileKind("", (Codec.JPEG,)),
    ".aac": FileKind("", (Codec.AAC,)),
    ".pcm": FileKind("", (Codec.PCM_S16LE,)),
    ".y4m": FileKind("", (Codec.I420, Codec.NV12, Codec.YUYV, Codec.GREY)),
    ".raw": ANY_RAW,
    ".bin": ANY_RAW,
}
CONTAINERS = {
    ".mp4": FileKind("mp4", (*PICTURES, *SOUNDS)),
    ".mkv": FileKind("matroska", (*PICTURES, *SOUNDS)),
    ".mov": FileKind("mov", (*PICTURES, Codec.AAC, Codec.PCM_S16LE)),
    ".ts": FileKind("mpegts", (Codec.H264, Codec.H265, Codec.AAC, Codec.OPUS)),
    ".mka": FileKind("matroska", SOUNDS),
    ".m4a": FileKind("mp4", (Codec.AAC,)),
    ".opus": FileKind("opus", (Codec.OPUS,)),
    ".ogg": FileKind("ogg", (Codec.OPUS,)),
    ".webm": FileKind("webm", (Codec.OPUS,)),
    ".wav": FileKind("wav", (Codec.PCM_S16LE,)),
}
# Well-known endings that are not written, and why.
WHY_NOT = {".avi": "it has no times of its own for each picture"}


def ending(path: str) -> str:
    """Return the ending of the file name, with its dot and in lower case; empty if there is none."""
    _, dot, last = Path(path).name.rpartition(".")
    return f".{last.lower()}" if dot and last else ""


def kind_of(path: str) -> FileKind:
    """Return the kind of a file by its ending; without one, as stdout and devices, it is a raw stream.

    Raises ValueError if the ending is not supported.
    """
    last = ending(path)
    kind = RAW.get(last) or CONTAINERS.get(last) if last else ANY_RAW
    if kind is None:
        why = f": {WHY_NOT[last]}" if last in WHY_NOT else ""
        raw = ", ".join(known for known in RAW if RAW[known] is not ANY_RAW)
        raise ValueError(f"{path}: {last} is not written{why}: record to {', '.join(CONTAINERS)}, or raw to {raw}")
    return kind


def misfit(path: str, codec: int) -> str | None:
    """Return why the file can't hold a stream of that codec, and which names could, or None if it can."""
    if kind_of(path).takes(codec):
        return None
    return f"{ending(path) or 'a raw stream'} holds no {codec_name(codec)}: record to {', '.join(_endings_for(codec))}"


def raw_ending(codec: int) -> str | None:
    """Return the ending for a raw stream of that codec, or None if there is none."""
    return next((last for last, kind in RAW.items() if kind.codecs == (codec,)), None)


def _endings_for(codec: int) -> Iterable[str]:
    known = {**RAW, **CONTAINERS}
    return [last for last, kind in known.items() if kind is not ANY_RAW and kind.takes(codec)] or ["a name without one"]
