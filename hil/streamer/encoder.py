# SPDX-License-Identifier: Apache-2.0
"""Encodes pictures with PyAV into whole access units, with parameter sets in each keyframe."""

from __future__ import annotations

import threading
from collections import deque
from fractions import Fraction
from typing import Any

import av
import av.logging
from av.video.frame import PictureType

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit, EntryPoint, ParameterSets, entry_point
from vshm_ctypes.limits import explain

from .channels import CODECS, Channel
from .colour import Colour, colour_of, colour_to_encode
from .converter import Converter
from .encoder_settings import JPEG_QUALITY, EncoderError, settings_of
from .jpeg_rate import JpegRate
from .metadata_filter import metadata_filter, said_of

# An access unit, and the time_ns that encode() got with its picture.
Encoded = tuple[AccessUnit, int]
SOFTWARE = {"h264": "libx264", "h265": "libx265", "jpeg": "mjpeg"}
_LAMBDA = 118  # FF_QP2LAMBDA: what FFmpeg counts a step of the scale as
_COPYING = ("libx264", "libx265")  # encoders that have copied a picture when they return
SILENT = ("h264_v4l2m2m",)  # encoders that do not write their colour description into the stream
_CLOCK = Fraction(1, 1_000_000_000)
_LOGGING = threading.Lock()  # PyAV has one logging state for the whole process


class Encoder:
    """Encodes one stream. width, height: of the pictures, in pixels; they are scaled to the nearest supported size.

    Range and matrix are those of the pictures, and are declared in the stream; a change starts a new coded video
    sequence. fps: frames per second, or 0 if unknown. alone: nobody else has the pictures. Raises EncoderError.
    """

    def __init__(self, channel: Channel, name: str, width: int, height: int, fps: float, alone: bool = False) -> None:
        self.name = name
        self.codec = CODECS[channel.codec]
        self._channel = channel
        self._settings = settings_of(channel, name, width, height, fps, alone)
        # FFmpeg's rate control for JPEG counts ticks of the time base as pictures, so numbers are passed instead of
        # times.
        self._counts = self.codec == Codec.JPEG and self._settings.bit_rate > 0
        self._times_ns: deque[int] = deque()  # of the pictures that were numbered and have not come out yet
        self._rate = JpegRate(channel, float(self._settings.rate)) if self._counts else None
        self._time_base = 1 / self._settings.rate if self._counts else _CLOCK
        # Of an encoder on the board it is not certain that it says which are keyframes.
        self._tells_keyframes = name in SOFTWARE.values() and self.codec != Codec.JPEG
        self.width, self.height = self._settings.width, self._settings.height
        self._converter = Converter(self.width, self.height, self._settings.pixels, alone, name in _COPYING)
        self._open(colour_to_encode(Colour(), self.codec, (width, height), (self.width, self.height)))

    def _open(self, colour: Colour) -> None:
        settings, self._colour = self._settings, colour
        self._sets, self._count = ParameterSets(self.codec), 0
        try:
            context: Any = av.CodecContext.create(self.name, "w")
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(f"{self.name}: not in this build of PyAV ({error})") from None
        context.width, context.height, context.pix_fmt = settings.width, settings.height, settings.pixels
        context.framerate, context.time_base = settings.rate, self._time_base
        context.color_range, context.colorspace = colour.range, colour.matrix
        context.color_primaries, context.color_trc = colour.primaries, colour.transfer
        context.gop_size, context.max_b_frames = self._channel.gop, 0
        context.options, context.bit_rate = settings.options, settings.bit_rate
        if self.codec == Codec.JPEG:
            context.sample_aspect_ratio = Fraction(1)  # FFmpeg writes the JFIF header only with an aspect ratio
            # The scale is from 1 (best) to 31; a fixed value keeps the quality independent of the size.
            scale = max(1, round(31 - (self._channel.quality or JPEG_QUALITY) * 0.3))
            context.qmin, context.qmax = (1, 31) if self._counts else (scale, scale)
            if not self._counts:
                # With only one scale allowed it still measures each picture for its rate control, unless told not to.
                fixed = {"flags": "+qscale", "global_quality": str(scale * _LAMBDA)}
                context.options = {**settings.options, **fixed}
        why_not = _opened(context)
        if why_not is not None:
            rates = f"{float(settings.rate):g} fps" + (f", {settings.bit_rate} bit/s" if settings.bit_rate else "")
            raise EncoderError(f"{self.name}: {settings.width}x{settings.height} at {rates}: {why_not}")
        self._context = context
        self._says = metadata_filter(self.codec, said_of(colour)) if self.name in SILENT else None
        if context.extradata and self.codec != Codec.JPEG:
            self._sets.learn(bytes(context.extradata))

    def encode(self, picture: av.VideoFrame, time_ns: int, keyframe: bool = False) -> list[Encoded]:
        """Encode a picture, and return the access units that are ready, usually one. Raises EncoderError.

        time_ns: must increase with every picture; it is returned with the picture's access unit. keyframe: whether the
        picture must become a keyframe. The picture is modified only if this encoder has it alone.
        """
        size = picture.width, picture.height
        source = colour_of(picture)
        colour = colour_to_encode(source, self.codec, size, (self.width, self.height))
        units: list[Encoded] = []
        if colour != self._colour:
            units += self.flush()
            self._open(colour)
        try:
            converted = self._converter.convert(picture, colour, source)
            converted.pts, converted.time_base = time_ns, self._time_base
            if self._counts:
                converted.pts = self._count
                self._times_ns.append(time_ns)
                self._count += 1
            converted.pict_type = PictureType.I if keyframe else PictureType.NONE
            return units + self._units(self._context.encode(converted))
        except (av.FFmpegError, ValueError) as error:
            what = f"a picture of {picture.width}x{picture.height} in {picture.format.name}"
            raise EncoderError(f"{self.name}: {what}: {getattr(error, 'strerror', None) or error}") from None

    def flush(self) -> list[Encoded]:
        """Return the access units that the encoder still holds. It can't encode afterwards."""
        try:
            return self._units(self._context.encode(None))
        except av.FFmpegError as error:
            raise EncoderError(f"{self.name}: {error}") from None

    def _units(self, packets: list[Any]) -> list[Encoded]:
        if self._says is not None:
            packets = [filtered for packet in packets for filtered in self._says.filter(packet)]
        units = []
        for packet in packets:
            data = bytes(packet)
            if self._rate is not None:
                self._rate.add(len(data))
            time_ns = self._times_ns.popleft() if self._counts else int(packet.pts)
            if self._tells_keyframes and not packet.is_keyframe:
                units.append((AccessUnit(data, EntryPoint.NONE), time_ns))  # parameter sets come with keyframes
                continue
            units.append((self._sets.complete(AccessUnit(data, entry_point(data, self.codec))), time_ns))
        return units


def _opened(context: Any) -> str | None:
    """Open the encoder. Returns None, or why it failed, if possible in the encoder's own words."""
    with _LOGGING:
        before = av.logging.get_level(), av.logging.get_skip_repeated()
        av.logging.set_level(av.logging.ERROR)
        av.logging.set_skip_repeated(False)  # a message would be left out if another encoder had logged the same
        try:
            with av.logging.Capture() as words:
                context.open()
        except (av.FFmpegError, ValueError) as error:
            said = "; ".join(text.strip() for _, _, text in words)
            mute = f"the library refuses, and does not say why ({getattr(error, 'strerror', None) or error})"
            return said or _lack_of_threads() or mute
        finally:
            av.logging.set_level(before[0])
            av.logging.set_skip_repeated(before[1])
    return None


def _lack_of_threads() -> str | None:
    """Return why no thread can be started, which encoders do not tell; None: one can be."""
    thread = threading.Thread(target=int)
    try:
        thread.start()
    except RuntimeError as error:
        return explain(error)
    thread.join()
    return None
