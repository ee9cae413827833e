# SPDX-License-Identifier: Apache-2.0
"""Chooses an encoder's settings within its limits: size, rate, profile, pixel format, bit rate and options."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from .channels import FPS_LIMITS, Channel
from .sources.modes import ORDINARY_FPS

JPEG_QUALITY = 85
# The default bit rate: enough for a picture with ordinary movement, and a minimum for small pictures and low rates.
BITS_PER_PIXEL, ORDINARY_BIT_RATE = {"h264": 0.1, "h265": 0.06}, 200_000
# PyAV's pixel format by profile. By default it is the one that all decoders support, in the encoder's default profile.
ANY_PROFILE, ANY_PIXELS = "", "yuv420p"
_BASELINE_MAIN_HIGH = dict.fromkeys(("baseline", "main", "high"), "yuv420p")
PROFILES: dict[str, dict[str, str]] = {
    "libx264": {**_BASELINE_MAIN_HIGH, "high10": "yuv420p10le", "high422": "yuv422p", "high444": "yuv444p"},
    "h264_v4l2m2m": _BASELINE_MAIN_HIGH,
    "libx265": {
        "main": "yuv420p",
        "main10": "yuv420p10le",
        "main12": "yuv420p12le",
        "main422-10": "yuv422p10le",
        "main444-8": "yuv444p",
        "main444-10": "yuv444p10le",
    },
    "mjpeg": {},
}
# Pixels a second up to which one thread encodes a channel that has others beside it: to divide such a picture among
# several costs a tenth more, and the other channels take the other processors.
SMALL_RATE = 8_000_000
# FFmpeg divides a JPEG picture into slices, each with a thread of its own, and between them it writes restart markers,
# which it does not send by RTP. So what RTP carries by its size is one slice, where a small processor can keep up so.
_RTP_SIDE, _ONE_SLICE_RATE = 2040, 1920 * 1080 * 30
_ALIASES = {"constrained_baseline": "baseline", "constrained-baseline": "baseline"}
_LEAST_SIDE = {"libx265": 16}  # the minimum of the other encoders is 2, or 1 for JPEG
# If a side has fewer pixels than that, libx265 uses blocks of 16, which H.265 allows up to level 4.1 only (A.4.1,
# tables A.8 and A.9). These are that level's bit rate and its largest side in whole blocks.
_SMALL_H265, _SMALL_H265_BITS, _SMALL_H265_SIDE = 32, 50_000_000, 4208


class EncoderError(RuntimeError):
    """The encoder is not available, or it failed."""


class Settings(NamedTuple):
    """The settings of an encoder.

    width, height: pixels. rate: frames per second. bit_rate: bits per second, or 0 for encoding by quality.
    """

    width: int
    height: int
    rate: Fraction
    pixels: str
    bit_rate: int
    options: dict[str, str]


def settings_of(channel: Channel, name: str, width: int, height: int, fps: float, alone: bool = False) -> Settings:
    """Return the settings for pictures of that size and rate; fps is 0 if unknown. alone: there is no other channel.

    Raises EncoderError if the encoder supports no such size or profile.
    """
    least = _LEAST_SIDE.get(name, 1)
    if width < least or height < least:
        raise EncoderError(f"{name}: {width}x{height}: from {least}x{least} on")
    small = name == "libx265" and min(width, height) < _SMALL_H265
    if small and max(width, height) > _SMALL_H265_SIDE:
        limit = f"up to {_SMALL_H265_SIDE} pixels where the other side has fewer than {_SMALL_H265}"
        raise EncoderError(f"{name}: {width}x{height}: {limit}")
    fps = min(max(fps or ORDINARY_FPS, FPS_LIMITS[0]), FPS_LIMITS[1])
    profile, pixels = profile_of(channel, name)
    if name != "mjpeg":
        # Chroma is subsampled by two, so the last line or column of an odd size is cut off.
        width, height = max(width // 2 * 2, 2), max(height // 2 * 2, 2)
    single = not alone and width * height * fps <= SMALL_RATE
    options = _options(channel, name, profile, single)
    rate = Fraction(fps).limit_denominator(1001)
    bits = 0 if "crf" in options else bit_rate(channel, width, height, fps)
    if name == "mjpeg":
        bits = channel.bit_rate  # its quality is fixed unless one was asked for
        if max(width, height) <= _RTP_SIDE and width * height * fps <= _ONE_SLICE_RATE:
            options["slices"] = "1"
    return Settings(width, height, rate, pixels, min(bits, _SMALL_H265_BITS) if small else bits, options)


def bit_rate(channel: Channel, width: int, height: int, fps: float) -> int:
    """Return the channel's bit rate, or a default for this size and rate, in bits per second."""
    suitable = round(width * height * fps * BITS_PER_PIXEL.get(channel.codec, 0))
    return channel.bit_rate or max(suitable, ORDINARY_BIT_RATE)


def profile_of(channel: Channel, name: str) -> tuple[str, str]:
    """Return the encoder's name of the profile, and the pixel format for it. Raises EncoderError."""
    profile = channel.profile.lower()
    profile = _ALIASES.get(profile, profile)
    if profile == ANY_PROFILE:
        return profile, ANY_PIXELS
    known = PROFILES.get(name, {})
    if profile not in known:
        raise EncoderError(f"profile={channel.profile}: {name} has {', '.join(known) or 'no profiles'}")
    return profile, known[profile]


def _options(channel: Channel, name: str, profile: str, single: bool) -> dict[str, str]:
    if name == "mjpeg":
        # RTP means the standard Huffman tables (RFC 2435). FFmpeg makes others, where it works in a single thread only.
        return {"force_duplicated_matrix": "1", "huffman": "default"}
    gop = f"keyint={channel.gop}:min-keyint={channel.gop}:scenecut=0:bframes=0"
    options = {"profile": profile} if profile else {}
    if name.startswith("libx26"):
        options["forced-idr"] = "1"  # a requested keyframe must be one that a decoder can start at
        if channel.quality and not channel.bit_rate:
            options["crf"] = str(round(51 - channel.quality * 0.4))  # on the encoders' scale 51 is the worst
    if name == "libx264":
        # Without lookahead, and with sliced threads, every picture that goes in comes out at once.
        gop += ":threads=1" if single else ""
        return options | {"preset": "veryfast", "tune": "zerolatency", "x264-params": f"{gop}:repeat-headers=1"}
    if name == "libx265":
        # By default it starts each later GOP with a CRA picture, at which not every decoder can start.
        parameters = f"{gop}:open-gop=0:repeat-headers=1:log-level=none"
        return options | {"preset": "ultrafast", "tune": "zerolatency", "x265-params": parameters}
    return options
