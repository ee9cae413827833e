# SPDX-License-Identifier: Apache-2.0
"""Chooses an encoder. A hardware encoder is taken only if it encodes real pictures here and its output decodes.

It is tried in a child process, since some of them crash or hang.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import av

from vshm_ctypes.commandline.own_module import own_module

from .channels import Channel
from .colour import BT709, Colour, colour_of
from .encoder import SOFTWARE, Encoder
from .encoder_settings import EncoderError

HARDWARE = {"h264": "h264_v4l2m2m"}
TIMEOUT_S = 20.0
_PICTURES = 10
_COLOUR = Colour(full_range=True, matrix=BT709, primaries=BT709, transfer=BT709)
_DECODERS = {"h264": "h264", "h265": "hevc", "jpeg": "mjpeg"}


def _picture(width: int, height: int, number: int) -> av.VideoFrame:
    """Return a picture of grey and coloured ramps that move by a few pixels from number to number."""
    picture = av.VideoFrame(width, height, "yuv420p")
    for plane in picture.planes:
        ramp = bytes(at + 4 * number & 0xFF for at in range(plane.line_size))
        memoryview(plane)[:] = (ramp * (plane.buffer_size // plane.line_size + 1))[: plane.buffer_size]
    return _COLOUR.put_on(picture)


def try_encoder(name: str, channel: Channel, width: int, height: int, fps: float) -> str | None:
    """Encode and decode some pictures in this process. Returns why the encoder is of no use, or None if it works."""
    try:
        encoder = Encoder(channel, name, width, height, fps)
        units = []
        for number in range(_PICTURES):
            units += encoder.encode(_picture(width, height, number), round(number * 1e9 / fps))
        units += encoder.flush()
        decoder: Any = av.CodecContext.create(_DECODERS[channel.codec], "r")
        pictures = [picture for unit, _ in units for picture in decoder.decode(av.Packet(unit.data))]
        pictures += decoder.decode(None)
    except (EncoderError, av.FFmpegError) as error:
        return str(error)
    if len(pictures) != _PICTURES:
        return f"{name}: of {_PICTURES} pictures {len(pictures)} came back"
    if channel.codec != "jpeg" and any(colour_of(picture) != _COLOUR for picture in pictures):
        return f"{name}: its stream does not say the range and matrix of what it was given"
    return None


def probe(name: str, channel: Channel, width: int, height: int, fps: float, timeout_s: float = TIMEOUT_S) -> str | None:
    """Run try_encoder in a child process. Returns why the encoder is of no use, also if it crashed or hung, or None."""
    import subprocess

    words = [name, channel.codec, str(width), str(height), str(fps)]
    command = own_module(__name__, *words)
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return f"{name}: nothing came of it in {timeout_s:g} s"
    if result.returncode < 0:
        return f"{name}: it crashed (signal {-result.returncode})"
    return None if result.returncode == 0 else result.stdout.strip() or f"{name}: {result.stderr.strip()[-200:]}"


def some_device_encodes(folder: Path = Path("/dev")) -> bool:
    """Return whether any device can convert pictures at all; otherwise there is nothing to try."""
    if not any(folder.glob("video[0-9]*")):
        return False
    from .sources.v4l2_devices import video_devices  # v4l2py is slow to import

    return any(info.transcodes for info in video_devices(folder)[0])


def choose_encoder(channel: Channel, width: int, height: int, fps: float) -> tuple[str, str | None]:
    """Return (encoder, why not the board's own). An encoder that was named is taken without a trial."""
    if channel.encoder != "auto":
        return channel.encoder, None
    hardware = HARDWARE.get(channel.codec)
    if hardware is None or not some_device_encodes():
        return SOFTWARE[channel.codec], None
    why_not = probe(hardware, channel, width, height, fps)
    return (hardware, None) if why_not is None else (SOFTWARE[channel.codec], why_not)


def main(words: list[str]) -> int:
    """Run the child process. words: NAME CODEC WIDTH HEIGHT FPS."""
    name, codec, width, height, fps = words
    why_not = try_encoder(name, Channel.parse(f":codec={codec}"), int(width), int(height), float(fps))
    if why_not is not None:
        print(why_not)
    return 0 if why_not is None else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
