#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for arecord: a fake sound card with properties given by the name of its device.

    arecord --device card:hz=16000,ppm=100 --rate 48000 --channels 2 ...

hz: what it really delivers, of what it was asked; 0: as fast as it is read. ppm: how much its clock is fast. tone: in
Hz, all the time; 0: of 1000 Hz in the first tenth of each second of CLOCK_MONOTONIC. period: seconds of sound that it
delivers at once. stall, every: it is held up for so many seconds, so often; what it would have said meanwhile comes
afterwards; lost=1: it does not. told: hz by a warning, or by its setup. then: what it delivers from 4 s on.
refuse: channels, format or access, if it is not opened by ALSA's plug; anything: even then. ends: after so many
seconds it is gone.
"""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy
import pytest

LEVEL = 16000
TONE_S = 0.1
CHANGE_S = 4.0
SETUP = """Some PCM
Its setup is:
  stream       : CAPTURE
  channels     : {channels}
  rate         : {hz}
  exact rate   : {hz} ({hz}/1)
Slave: Null PCM
Its setup is:
  rate         : 12345
  exact rate   : 12345 (12345/1)
"""
WARNING = """Recording raw data 'stdin' : Signed 16 bit Little Endian, Rate {asked} Hz, Stereo
Warning: rate is not accurate (requested = {asked}Hz, got = {hz}Hz)
         please, try the plug plugin
"""
REFUSALS = {
    "channels": "arecord: set_params:1358: Channels count non available",
    "access": "arecord: set_params:1347: Access type not available",
    "anything": "arecord: set_params:1352: Sample format non available\nAvailable formats:\n- DSD_U8",
    "format": "arecord: set_params:1352: Sample format non available\nAvailable formats:\n- S24_3LE\n- S32_LE",
}


class Card:
    """The samples of the card, and when it delivers them."""

    def __init__(self, device: str, rate: int, channels: int) -> None:
        is_plugged = device.startswith("plug:'")
        device = device.removeprefix("plug:'").removesuffix("'")
        knobs = dict(pair.split("=") for pair in device.partition(":")[2].split(",") if pair)
        told, refusal = knobs.pop("told", ""), knobs.pop("refuse", "")
        numbers = {name: float(value) for name, value in knobs.items()}
        self._rate, self._channels = rate, channels
        self._hz = numbers.pop("hz", float(rate)) * (1 + numbers.pop("ppm", 0.0) * 1e-6)
        self._then = numbers.pop("then", self._hz)
        self._tone, self._period = numbers.pop("tone", 0.0), numbers.pop("period", 0.01)
        self._stall, self._every = numbers.pop("stall", 0.0), numbers.pop("every", math.inf)
        self._lost, self._ends = numbers.pop("lost", 0.0), numbers.pop("ends", math.inf)
        assert not numbers, numbers
        if refusal and (not is_plugged or refusal == "anything"):
            sys.exit(REFUSALS[refusal])
        if told:
            text = {"warning": WARNING, "setup": SETUP}[told]
            if told != "warning" or "--quiet" not in sys.argv:
                sys.stderr.write(text.format(asked=rate, hz=round(self._hz), channels=channels))

    def _heard(self, begin_s: float, count: int, hz: float) -> bytes:
        seconds = begin_s + numpy.arange(count) / hz
        wave = numpy.sin(2 * numpy.pi * (self._tone or 1000) * (seconds % 1))
        if not self._tone:
            wave *= seconds % 1 < TONE_S
        return bytes((wave * LEVEL).astype("<i2").repeat(self._channels))

    def run(self) -> None:
        begin_s = at_s = time.monotonic()
        stall_s = begin_s + self._every
        while at_s - begin_s < self._ends:
            hz = self._then if at_s - begin_s >= CHANGE_S else self._hz
            count = round((hz or self._rate) * self._period)
            sound = self._heard(at_s, count, hz or self._rate)
            at_s += count / hz if hz else 0.0
            time.sleep(max(at_s - time.monotonic(), 0))
            if at_s > stall_s:
                time.sleep(self._stall)
                stall_s = at_s + self._every
                at_s = time.monotonic() if self._lost else at_s
            sys.stdout.buffer.write(sound)
            sys.stdout.buffer.flush()
        sys.exit("arecord: pcm_read:2221: read error: No such device")


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Install it as the first arecord on PATH."""
    program = folder / "arecord"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder), prepend=":")
        yield


if __name__ == "__main__":
    words = dict(zip(sys.argv, sys.argv[1:], strict=False))
    Card(words["--device"], int(words["--rate"]), int(words["--channels"])).run()
