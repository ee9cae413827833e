# SPDX-License-Identifier: Apache-2.0
"""Records a microphone with ALSA's arecord, which knows the machine's plugins and configuration and can be killed."""

from __future__ import annotations

import time
from typing import NamedTuple

import av

from ..log import LOG
from ..sources.program import Program
from ..sources.source import Captured, SourceError
from .arecord import PROGRAM, NotOfferedError, command, fault, overruns, told_rate
from .cards import KeptCard
from .rate_meter import RateMeter, sample_rate
from .sample_clock import SampleClock
from .source import SoundSource

START_S = 5.0
PATIENCE_NS = 3_000_000_000  # arecord reports what it lost, so late sound only means a busy machine
TRIAL_S = 8.0  # the longest time in which the rate must become known


class Heard(NamedTuple):
    """Recorded sound. data: whole samples. came_ns: when it was read, CLOCK_MONOTONIC."""

    data: bytes
    came_ns: int


class AlsaSource(SoundSource):
    """Records an ALSA device such as default, hw:1,0 or plughw:CARD=Loopback,DEV=1. rate: Hz.

    Where that names a card, it is kept to once it has recorded, as another one may have its number or its id later.
    Other formats and channels than those asked for are converted: one channel is heard on both sides, of more than two
    the first two.

    Some cards deliver another rate than they were asked for, with or without saying so. The rate is therefore measured,
    and the sound is delivered with the rate that it has. Everything from the first sample on is delivered, but not
    before the rate is known.
    """

    def __init__(self, device: str, rate: int, channels: int) -> None:
        self.name = f"alsa:{device}"
        self._device, self._rate, self._channels = device, rate, channels
        self._card = KeptCard(device)
        self._program: Program | None = None
        self._is_told = False
        self._lost = 0

    def open(self) -> None:
        """Start the program, and wait until sound comes at a known rate.

        Raises SourceError if arecord is not installed, the device does not exist or records nothing that can be
        converted, or its rate is unusual or faster than any clock.
        """
        try:
            self._device = self._card.name()
            try:
                self._start(converted=False)
            except NotOfferedError as error:
                self._start_converted(str(error.strerror))
            self._card.began()
        except SourceError as error:
            self.close()
            raise SourceError(0, f"{self.name}: {error.strerror}", error.kind) from None

    def _start(self, converted: bool) -> None:
        self.close()
        words = command(self._device, self._rate, self._channels, converted)
        self._program = Program(words, "install alsa-utils, or choose another --audio")
        self._rest, self._overruns = b"", 0
        self._held = self._try_out(self._program)

    def _start_converted(self, why: str) -> None:
        """Let ALSA's plug convert what the device has. Raises SourceError."""
        try:
            self._start(converted=True)
        except NotOfferedError:
            text = f"{why}, and ALSA's plug can't convert it; choose another device (arecord -L)"
            raise SourceError(0, text, "unsuitable") from None
        if not self._is_told:
            LOG.info("%s: %s: ALSA's plug converts it", self.name, why)
            self._is_told = True

    def _try_out(self, program: Program) -> list[Heard]:
        """Record until the rate is known, and return what was recorded meanwhile. Raises SourceError."""
        first = self._receive(program, START_S)
        if first is None:
            raise SourceError(0, f"no sound within {START_S:g} s", "streamon")
        self._expect(told_rate(program.said()) or self._rate)
        held: list[Heard] = []
        heard: Heard | None = first
        while heard is not None:
            held.append(heard)
            if self._measure(heard) or self._meter.confirmed:
                break
            if heard.came_ns - first.came_ns > TRIAL_S * 1e9:
                self._adopt(self._meter.overall())
                break
            try:
                heard = self._receive(program, START_S)
            except SourceError:  # arecord has ended: read() raises this once it has returned what there is
                break
        return held

    def _expect(self, rate: int) -> None:
        """Expect this rate from now on."""
        if rate != self._rate:
            LOG.warning("%s: it records at %d Hz, not at the %d asked for: resampled", self.name, rate, self._rate)
        self._meter, self._clock = RateMeter(rate), SampleClock(rate, PATIENCE_NS)

    def _measure(self, heard: Heard) -> bool:
        """Return whether the rate turned out to be another one, which is expected from then on.

        Raises SourceError if it has no clock, or no usual rate.
        """
        self._meter.count(self._samples(heard.data), heard.came_ns)
        if self._meter.clockless:
            text = "it has no clock: it delivers as fast as it is read; choose a device that records (arecord -L)"
            raise SourceError(0, text, "unsuitable")
        return self._adopt(self._meter.other())

    def _adopt(self, hz: float | None) -> bool:
        if hz is None:
            return False
        rate = sample_rate(hz, self._meter.rate)
        if rate is None:
            text = f"it delivers {hz:.0f} samples a second, where {self._meter.rate} were expected: no usual rate"
            raise SourceError(0, f"{text}; choose another device, or say rate=", "unsuitable")
        self._expect(rate)
        return True

    def _samples(self, data: bytes) -> int:
        return len(data) // (2 * self._channels)

    def _receive(self, program: Program, timeout_s: float) -> Heard | None:
        """Return the whole samples that came in time, or None. Raises SourceError if the program has ended."""
        while (data := program.receive(timeout_s)) is not None:
            came_ns = time.monotonic_ns()
            if not data:
                raise fault(program.end()[1], self._channels)
            data = self._rest + data
            whole = self._samples(data) * 2 * self._channels
            self._rest = data[whole:]
            if whole:
                return Heard(data[:whole], came_ns)
        return None

    def read(self, timeout_s: float) -> Captured | None:
        """Return the sound that has come, or None after timeout_s seconds. Raises SourceError if the device is gone."""
        if self._program is None:
            raise SourceError(0, f"{PROGRAM} is not running")
        if self._held:
            return self._date_held()
        heard = self._receive(self._program, timeout_s)
        if heard is None:
            return None
        self._card.records()
        changed = self._measure(heard)
        told = self._clock.is_late and self._told_of_loss(self._program)
        begin_ns, lost = self._clock.first_ns(self._samples(heard.data), heard.came_ns, told)
        self._lost += lost
        return Captured(begin_ns, sound=self._frame(heard.data), discontinuity=lost or changed)

    def _told_of_loss(self, program: Program) -> bool:
        known, self._overruns = self._overruns, overruns(program.said())
        return self._overruns > known

    def _date_held(self) -> Captured:
        """Return all that came before the rate was known. Its least delayed part dates the rest."""
        held, self._held = self._held, []
        for heard in held:
            begin_ns, lost = self._clock.first_ns(self._samples(heard.data), heard.came_ns)
            self._lost += lost
        before = sum(self._samples(heard.data) for heard in held[:-1])
        first_ns = begin_ns - before * 1_000_000_000 // self._meter.rate
        return Captured(first_ns, sound=self._frame(b"".join(heard.data for heard in held)))

    def _frame(self, data: bytes) -> av.AudioFrame:
        layout = "mono" if self._channels == 1 else "stereo"
        frame = av.AudioFrame(format="s16", layout=layout, samples=self._samples(data))
        frame.planes[0].update(data)
        frame.sample_rate = self._meter.rate
        return frame

    def figures(self) -> dict[str, int]:
        """Return the counter lost: how often sound was lost because this program or the machine was too slow."""
        return {"lost": self._lost}

    def close(self) -> None:
        """End the program."""
        if self._program is not None:
            self._program.close()
            self._program = None
