# SPDX-License-Identifier: Apache-2.0
"""Encoders by PyAV: pictures in, whole access units out, each keyframe with its parameter sets."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, ParameterSets, entry_point

from .channels import Channel

# An access unit, and the time that encode() was told of its picture.
Encoded = tuple[AccessUnit, int]
CODECS = {"h264": Codec.H264, "h265": Codec.H265, "jpeg": Codec.JPEG}
SOFTWARE = {"h264": "libx264", "h265": "libx265", "jpeg": "mjpeg"}
JPEG_QUALITY = 85
BITS_PER_PIXEL = {"h264": 0.1, "h265": 0.06}  # for a picture of ordinary movement, where nothing else is said
_CLOCK = Fraction(1, 1_000_000_000)


class EncoderError(RuntimeError):
    """The encoder can't be had, or failed."""


def bit_rate(channel: Channel, width: int, height: int, fps: float) -> int:
    """Bits per second: what the channel says, else what suits picture and rate."""
    return channel.bit_rate or round(width * height * fps * BITS_PER_PIXEL.get(channel.codec, 0))


def _options(channel: Channel, name: str) -> dict[str, str]:
    gop = f"keyint={channel.gop}:min-keyint={channel.gop}:scenecut=0:bframes=0"
    options = {"profile": channel.profile} if channel.profile else {}
    if name.startswith("libx26"):
        options["forced-idr"] = "1"  # a key picture that was asked for is one that a decoder can begin with
        if channel.quality and not channel.bit_rate:
            options["crf"] = str(round(51 - channel.quality * 0.4))  # on their own scale 51 is the worst
    if name == "libx264":
        # Without a look ahead and with slices for its threads: a picture in is a picture out.
        return options | {"preset": "veryfast", "tune": "zerolatency", "x264-params": f"{gop}:repeat-headers=1"}
    if name == "libx265":
        quiet = "log-level=none"
        parameters = f"{gop}:repeat-headers=1:{quiet}"
        return options | {"preset": "ultrafast", "tune": "zerolatency", "x265-params": parameters}
    return options


class Encoder:
    """One stream. width, height: pixels; pictures of another size are scaled. Raises EncoderError."""

    def __init__(self, channel: Channel, name: str, width: int, height: int, fps: float) -> None:
        self.name = name
        self.codec = CODECS[channel.codec]
        self._sets = ParameterSets(self.codec)
        self._scaler = VideoReformatter()  # a picture's own is used by every encoder that shares it, at the same time
        self._pixels = "yuvj420p" if name == "mjpeg" else "yuv420p"
        try:
            context: Any = av.CodecContext.create(name, "w")
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(f"{name}: not in this build of PyAV ({error})") from None
        context.width, context.height, context.pix_fmt = width, height, self._pixels
        context.framerate = Fraction(fps).limit_denominator(1001)
        context.time_base = _CLOCK
        context.gop_size = channel.gop
        context.max_b_frames = 0
        context.options = _options(channel, name)
        if name == "mjpeg":
            # 1 to 31, the less the better; a fixed one keeps the quality whatever the size.
            context.qmin = context.qmax = max(1, round(31 - (channel.quality or JPEG_QUALITY) * 0.3))
            context.options = {"force_duplicated_matrix": "1"}
        else:
            context.bit_rate = 0 if "crf" in context.options else bit_rate(channel, width, height, fps)
        try:
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(f"{name}: {width}x{height} at {fps:g} fps: {error}") from None
        self._context = context
        if context.extradata and self.codec != Codec.JPEG:
            self._sets.learn(bytes(context.extradata))

    def encode(
        self, picture: av.VideoFrame, time_ns: int, keyframe: bool = False, shared: bool = False
    ) -> list[Encoded]:
        """The access units that are ready, mostly one. Raises EncoderError.

        time_ns: later than that of the picture before; the access unit comes out with it. keyframe: this one is to be
        key. shared: other encoders have the picture too, and it may not be changed.
        """
        scaled = self._scaler.reformat(picture, self._context.width, self._context.height, self._pixels)
        if shared and scaled is picture:
            scaled = av.VideoFrame.from_ndarray(picture.to_ndarray(), format=picture.format.name)
        scaled.pts, scaled.time_base = time_ns, _CLOCK
        scaled.pict_type = PictureType.I if keyframe else PictureType.NONE
        try:
            return self._units(self._context.encode(scaled))
        except av.FFmpegError as error:
            raise EncoderError(f"{self.name}: {error}") from None

    def flush(self) -> list[Encoded]:
        """What the encoder still holds. Nothing can be encoded afterwards."""
        try:
            return self._units(self._context.encode(None))
        except av.FFmpegError as error:
            raise EncoderError(f"{self.name}: {error}") from None

    def _units(self, packets: list[Any]) -> list[Encoded]:
        units = []
        for packet in packets:
            data = bytes(packet)
            units.append((self._sets.complete(AccessUnit(data, entry_point(data, self.codec))), int(packet.pts)))
        return units
