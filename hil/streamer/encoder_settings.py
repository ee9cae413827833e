# SPDX-License-Identifier: Apache-2.0
"""What an encoder is told, within its limits: size, rate, profile and pixel format, bits per second, options."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from .channels import FPS_LIMITS, Channel
from .sources.modes import ORDINARY_FPS

JPEG_QUALITY = 85
# Where nothing else is said: for a picture of ordinary movement, and for small ones and low rates.
BITS_PER_PIXEL, ORDINARY_BIT_RATE = {"h264": 0.1, "h265": 0.06}, 200_000
# PyAV's pixel format by profile. Without one it is that of all decoders, by whatever profile the encoder likes.
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
_ALIASES = {"constrained_baseline": "baseline", "constrained-baseline": "baseline"}
_LEAST_SIDE = {"libx265": 16}  # of the others 2, or 1 for JPEG
# Where a side has fewer pixels than that, libx265's largest block has 16, which H.265 allows up to level 4.1 only
# (A.4.1, tables A.8 and A.9): that level's bits per second, and pixels a side in whole blocks.
_SMALL_H265, _SMALL_H265_BITS, _SMALL_H265_SIDE = 32, 50_000_000, 4208


class EncoderError(RuntimeError):
    """The encoder can't be had, or failed."""


class Settings(NamedTuple):
    """width, height: pixels. rate: frames per second. bit_rate: bits per second; 0: by quality."""

    width: int
    height: int
    rate: Fraction
    pixels: str
    bit_rate: int
    options: dict[str, str]


def settings_of(channel: Channel, name: str, width: int, height: int, fps: float) -> Settings:
    """For pictures of that size at that rate; fps 0 is not known. Raises EncoderError: the encoder has no such."""
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
        # Colour is stored for two pixels at once: of an odd line the last one goes.
        width, height = max(width // 2 * 2, 2), max(height // 2 * 2, 2)
    options = _options(channel, name, profile)
    rate = Fraction(fps).limit_denominator(1001)
    bits = 0 if "crf" in options else bit_rate(channel, width, height, fps)
    if name == "mjpeg":  # whose quality is fixed, unless a rate was asked for
        bits = channel.bit_rate
    return Settings(width, height, rate, pixels, min(bits, _SMALL_H265_BITS) if small else bits, options)


def bit_rate(channel: Channel, width: int, height: int, fps: float) -> int:
    """Bits per second: what the channel says, else what suits picture and rate."""
    suitable = round(width * height * fps * BITS_PER_PIXEL.get(channel.codec, 0))
    return channel.bit_rate or max(suitable, ORDINARY_BIT_RATE)


def profile_of(channel: Channel, name: str) -> tuple[str, str]:
    """The profile as the encoder calls it, and the pixel format that it is for. Raises EncoderError."""
    profile = channel.profile.lower()
    profile = _ALIASES.get(profile, profile)
    if profile == ANY_PROFILE:
        return profile, ANY_PIXELS
    known = PROFILES.get(name, {})
    if profile not in known:
        raise EncoderError(f"profile={channel.profile}: {name} has {', '.join(known) or 'no profiles'}")
    return profile, known[profile]


def _options(channel: Channel, name: str, profile: str) -> dict[str, str]:
    if name == "mjpeg":
        return {"force_duplicated_matrix": "1"}
    gop = f"keyint={channel.gop}:min-keyint={channel.gop}:scenecut=0:bframes=0"
    options = {"profile": profile} if profile else {}
    if name.startswith("libx26"):
        options["forced-idr"] = "1"  # a key picture that was asked for is one that a decoder can begin with
        if channel.quality and not channel.bit_rate:
            options["crf"] = str(round(51 - channel.quality * 0.4))  # on their own scale 51 is the worst
    if name == "libx264":
        # Without a look ahead and with slices for its threads: a picture in is a picture out.
        return options | {"preset": "veryfast", "tune": "zerolatency", "x264-params": f"{gop}:repeat-headers=1"}
    if name == "libx265":
        # Left to itself, it begins each later GOP with a CRA picture, where not every decoder starts.
        parameters = f"{gop}:open-gop=0:repeat-headers=1:log-level=none"
        return options | {"preset": "ultrafast", "tune": "zerolatency", "x265-params": parameters}
    return options
