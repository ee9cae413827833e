# SPDX-License-Identifier: Apache-2.0
"""The command line of ALSA's arecord (alsa-utils), and the meaning of what it prints."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..sources.source import SourceError, Trouble

PROGRAM = "arecord"
PERIOD_US = 10_000
BUFFER_US = 500_000  # how long this program may be preempted without a loss
# What ALSA says of a device that does not exist, at the start or after it was unplugged.
ABSENT = ("No such file or directory", "No such device", "cannot find card")
# arecord takes the nearest rate. It warns only if that is off by more than 5 %, and never with --quiet; with --verbose
# it prints the settings of each plugin, those of the device first (alsa-utils 1.2.8, aplay.c).
_SETUP = re.compile(r"^ *exact rate *: \S+ \((\d+)/(\d+)\)", re.MULTILINE)
_WARNING = re.compile(r"rate is not accurate \(requested = \d+Hz, got = (\d+)Hz\)")


class NotOfferedError(SourceError):
    """The device does not record as it is asked to."""


def command(device: str, rate: int, channels: int, converted: bool = False) -> list[str]:
    """Return the command that writes signed 16-bit samples, with interleaved channels, to its standard output.

    converted: ALSA's plug makes them from whatever format, channels and order the device has, but not from its rate.
    """
    words = [PROGRAM, "--verbose", "--device", plugged(device) if converted else device]
    words += ["--file-type", "raw", "--format", "S16_LE", "--rate", str(rate), "--channels", str(channels)]
    words += ["--disable-resample"] if converted else []  # it is no match for swresample
    return [*words, "--period-time", str(PERIOD_US), "--buffer-time", str(BUFFER_US)]


def plugged(device: str) -> str:
    """Return the name by which ALSA's plug converts that device."""
    quote = '"' if "'" in device else "'"
    return f"plug{device}" if device.startswith("hw:") else f"plug:{quote}{device}{quote}"


def told_rate(said: Sequence[str]) -> int | None:
    """Return the device's rate in Hz from the program's messages, or None if they do not contain it."""
    text = "\n".join(said)
    if setup := _SETUP.search(text):
        numerator, denominator = map(int, setup.groups())
        return round(numerator / denominator) if denominator else None
    warning = _WARNING.search(text)
    return int(warning[1]) if warning else None


def overruns(said: Sequence[str]) -> int:
    """Return how often the program reported an overrun."""
    return sum(line.startswith("overrun!!!") for line in said)


def fault(said: Sequence[str], channels: int) -> SourceError:
    """Return an error that says why the program ended, from its messages, and what to do."""
    complaints = [line for line in said if re.match(rf"{PROGRAM}: |ALSA lib ", line)] or list(said)
    why = complaints[-1].rpartition(": ")[2] if complaints else f"{PROGRAM} ended"
    text = "\n".join(said)
    kind: Trouble = "failed"
    if any(absent in text for absent in ABSENT):
        kind, why = "absent", f"{why}; arecord -L tells which there are"
    elif "Channels count non available" in text:
        return NotOfferedError(0, f"it does not record {_count(channels)}", "unsuitable")
    elif "Sample format non available" in text:
        formats = ", ".join(line.removeprefix("- ") for line in said if line.startswith("- "))
        has = f", but {formats}" if formats else ""
        return NotOfferedError(0, f"it does not record 16-bit samples{has}", "unsuitable")
    elif "Access type not available" in text:
        return NotOfferedError(0, "it does not record channels in turn", "unsuitable")
    elif "Device or resource busy" in text:
        why = "another program records from it; fuser -v /dev/snd/* tells which"
    elif "Permission denied" in text:
        why = f"{why}; be root, or in the group audio"
    return SourceError(0, why, kind)


def _count(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"
