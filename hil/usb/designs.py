# SPDX-License-Identifier: Apache-2.0
"""The cameras that there are: each design has a name, its formats, and how its pictures travel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

SIZES = ((640, 360), (320, 180), (1280, 720))  # the first one is the default
RATES = (30.0, 15.0, 10.0, 5.0)  # pictures per second
TICKS_PER_S = 10_000_000  # USB counts intervals in 100 ns
RAW = ("YUYV", "NV12")
ENCODED = ("MJPG", "H264", "HEVC")


class Frame(NamedTuple):
    """A size in pixels, and the intervals between pictures that it offers, in 100 ns; the first is the default.

    is_range: these are the shortest and the longest one, and it offers all between them.
    """

    width: int
    height: int
    intervals: tuple[int, ...]
    is_range: bool = False

    def has(self, interval: int) -> bool:
        """Return whether it offers this interval."""
        return interval in self.intervals or (self.is_range and self.intervals[0] <= interval <= self.intervals[-1])


class Format(NamedTuple):
    """A format. fourcc: as V4L2 names it. clip: what kind of pictures they are, where there are several kinds."""

    fourcc: str
    clip: str
    frames: tuple[Frame, ...]


def _format(fourcc: str, clip: str = "", sizes: tuple[tuple[int, int], ...] = SIZES) -> Format:
    intervals = tuple(round(TICKS_PER_S / rate) for rate in RATES)
    return Format(fourcc, clip or fourcc, tuple(Frame(width, height, intervals) for width, height in sizes))


def _at_any_rate(form: Format) -> Format:
    ends = [(min(frame.intervals), max(frame.intervals)) for frame in form.frames]
    frames = (frame._replace(intervals=two, is_range=True) for frame, two in zip(form.frames, ends, strict=True))
    return form._replace(frames=tuple(frames))


@dataclass(frozen=True, slots=True)
class Design:
    """A camera.

    version: of the USB Video Class, as bcdUVC. bulk: pictures travel in bulk transfers instead of isochronous ones.
    slices: each slice of a picture travels as a picture of its own. microphone: there is one in the same device.
    payload: bytes of a payload at most, header included.
    """

    text: str
    formats: tuple[Format, ...]
    version: int = 0x0110
    bulk: bool = False
    slices: bool = False
    microphone: bool = False
    payload: int = 3072
    product: str = "Emulated USB Camera"

    def clips(self) -> list[tuple[str, int, int]]:
        """Return (the kind, width, height) of every clip that the camera needs."""
        return [(form.clip, frame.width, frame.height) for form in self.formats for frame in form.frames]


_MJPEG, _SMALL = _format("MJPG"), SIZES[:2]
_YUYV, _NV12 = _format("YUYV", sizes=_SMALL), _format("NV12", sizes=_SMALL)
_BULK_PAYLOAD = 16384
DESIGNS = {
    "webcam": Design("MJPEG and YUYV with a microphone, as most cameras are", (_MJPEG, _YUYV), microphone=True),
    "mjpeg": Design("MJPEG", (_MJPEG,)),
    "mjpeg-no-dht": Design("MJPEG without Huffman tables, as many cameras send it", (_format("MJPG", "MJPG-no-dht"),)),
    "yuyv": Design("YUYV, uncompressed", (_YUYV,)),
    "nv12": Design("NV12, uncompressed", (_NV12,)),
    "h264": Design("H.264 in frame-based payloads", (_format("H264", sizes=_SMALL),)),
    "h264-slices": Design(
        "H.264 with each slice in a buffer of its own", (_format("H264", "H264-slices", _SMALL),), slices=True
    ),
    "h264-cut": Design(
        "H.264 with slices that are cut by size, each in a buffer of its own",
        (_format("H264", "H264-cut", _SMALL),),
        slices=True,
    ),
    "h265": Design("H.265 in frame-based payloads", (_format("HEVC", sizes=_SMALL),)),
    "h265-slices": Design(
        "H.265 with each slice in a buffer of its own", (_format("HEVC", "HEVC-slices", _SMALL),), slices=True
    ),
    "bulk": Design("MJPEG and YUYV in bulk transfers", (_MJPEG, _YUYV), bulk=True, payload=_BULK_PAYLOAD),
    "all": Design("every format", (_MJPEG, _YUYV, _NV12, _format("H264", sizes=_SMALL), _format("HEVC", sizes=_SMALL))),
}
DESIGNS["any-rate"] = Design("MJPEG at any rate in a range", (_at_any_rate(_MJPEG),))
DESIGNS["uvc10"] = replace(DESIGNS["mjpeg"], text="MJPEG by USB Video Class 1.0", version=0x0100)
DESIGNS["uvc15"] = replace(DESIGNS["mjpeg"], text="MJPEG by USB Video Class 1.5", version=0x0150)


class UnknownDesign(ValueError):
    """There is no such design. The message lists those that there are."""


def design_of(name: str) -> Design:
    """Return the design of that name. Raises UnknownDesign."""
    try:
        return DESIGNS[name]
    except KeyError:
        raise UnknownDesign(f"{name}: no such design; there are {', '.join(DESIGNS)}") from None
