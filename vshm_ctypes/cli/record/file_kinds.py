# SPDX-License-Identifier: Apache-2.0
"""What the name of a recording says: which container, or which raw stream, and what may go into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...frame import Codec, codec_name

PICTURES = (Codec.H264, Codec.H265, Codec.JPEG)
SOUNDS = (Codec.OPUS, Codec.AAC, Codec.PCM_S16LE)


@dataclass(frozen=True, slots=True)
class FileKind:
    """muxer: as FFmpeg calls it; empty: a raw stream, one frame after the other. codecs: what may go in; None: any."""

    muxer: str
    codecs: tuple[Codec, ...] | None

    def takes(self, codec: int) -> bool:
        """Opus packets do not tell where they end (RFC 6716, 3): in no raw stream could they be told apart."""
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
# What others are known by, and why they are not written.
WHY_NOT = {".avi": "it has no times of its own for each picture"}


def ending(path: str) -> str:
    """What stands behind the last dot of the name, with the dot and in lower case; empty: there is none."""
    _, dot, last = Path(path).name.rpartition(".")
    return f".{last.lower()}" if dot and last else ""


def kind_of(path: str) -> FileKind:
    """By the path's ending; one without is a raw stream, as are stdout and devices. Raises ValueError: none of ours."""
    last = ending(path)
    kind = RAW.get(last) or CONTAINERS.get(last) if last else ANY_RAW
    if kind is None:
        why = f": {WHY_NOT[last]}" if last in WHY_NOT else ""
        raw = ", ".join(known for known in RAW if RAW[known] is not ANY_RAW)
        raise ValueError(f"{path}: {last} is not written{why}: record to {', '.join(CONTAINERS)}, or raw to {raw}")
    return kind


def misfit(path: str, codec: int) -> str | None:
    """Why a stream of that codec does not go into the file, and what to name it; None: it does."""
    if kind_of(path).takes(codec):
        return None
    return f"{ending(path) or 'a raw stream'} holds no {codec_name(codec)}: record to {', '.join(_endings_for(codec))}"


def raw_ending(codec: int) -> str | None:
    """Of a raw stream of that codec; None: there is none."""
    return next((last for last, kind in RAW.items() if kind.codecs == (codec,)), None)


def _endings_for(codec: int) -> Iterable[str]:
    known = {**RAW, **CONTAINERS}
    return [last for last, kind in known.items() if kind is not ANY_RAW and kind.takes(codec)] or ["a name without one"]
