# SPDX-License-Identifier: Apache-2.0
"""A microphone that hears a tone in the first 100 ms of each second of CLOCK_MONOTONIC."""

from __future__ import annotations

import array
import math
import struct
from collections import deque
from collections.abc import Callable
from itertools import islice

from .books import BookKeeper
from .controls import GET_CUR, GET_MAX, GET_MIN, GET_RES, SET_CUR
from .faults import Faults
from .reply import DONE, STALL, Reply, Setup, reply_or_stall
from .sound_descriptors import FEATURES, MOST_PACKET_BYTES, PACKET_BYTES, PACKETS_PER_S, RATE_HZ, SAMPLE_BYTES
from .usbip import Link, Packet, Request, take_back

TONE_HZ, TONE_S = 1000, 0.1
_AMPLITUDE = 8000  # at full volume
_MUTE, _VOLUME = 1, 2  # selectors
_LEAST, _MOST, _STEP = -20 * 256, 0, 256  # volume, in 1/256 dB
_BEHIND_S = 0.5  # after that the microphone goes on with the present


def _second(volume: int, mute: bool) -> bytes:
    """Return a second of sound, twice, so that any packet is one piece of it."""
    amplitude = 0 if mute else _AMPLITUDE * 10 ** (volume / 256 / 20)
    turn = 2 * math.pi * TONE_HZ / RATE_HZ
    samples = array.array("h", [round(amplitude * math.sin(turn * at)) for at in range(round(TONE_S * RATE_HZ))])
    samples.extend([0] * (RATE_HZ - len(samples)))
    return samples.tobytes() * 2


class Microphone:
    """The two interfaces of the microphone. now_s: CLOCK_MONOTONIC."""

    def __init__(self, link: Link, faults: Faults, books: BookKeeper, now_s: Callable[[], float]) -> None:
        self._link, self._faults, self._books, self._now_s = link, faults, books, now_s
        self._waiting: deque[Request] = deque()
        self._volume, self._mute = _MOST, False
        self._sound = _second(self._volume, self._mute)
        self._at, self._next_s, self._wake_s = 0, math.inf, math.inf

    def control(self, setup: Setup) -> Reply:
        """Return what is replied to a request of the class: volume and mute."""
        if setup.entity != FEATURES or setup.selector not in (_MUTE, _VOLUME):
            return STALL
        if setup.request == SET_CUR:
            return self._set(setup)
        if setup.selector == _MUTE:
            return Reply(bytes([self._mute])) if setup.request == GET_CUR else STALL
        values = {GET_CUR: self._volume, GET_MIN: _LEAST, GET_MAX: _MOST, GET_RES: _STEP}
        value = values.get(setup.request)
        return reply_or_stall(None if value is None else struct.pack("<h", value))

    def _set(self, setup: Setup) -> Reply:
        if len(setup.data) != (1 if setup.selector == _MUTE else 2):
            return STALL
        if setup.selector == _MUTE:
            self._mute = bool(setup.data[0])
        else:
            self._volume = min(max(*struct.unpack("<h", setup.data), _LEAST), _MOST)
        self._sound = _second(self._volume, self._mute)
        return DONE

    def set_alternate(self, alternate: int) -> Reply:
        """Start or stop the sound."""
        if alternate > 1:
            return STALL
        now_s = self._now_s()
        self._next_s = now_s if alternate else math.inf
        self._wake_s = 0.0
        self._at = round(now_s % 1 * RATE_HZ) % RATE_HZ * SAMPLE_BYTES
        self._books.event("sound-started" if alternate else "sound-stopped")
        return DONE

    def submit(self, request: Request) -> None:
        """Take a transfer of the kernel's."""
        if not self._waiting:
            self._wake_s = 0.0
        self._waiting.append(request)

    def take_back(self, number: int) -> bool:
        """Forget a transfer. Returns whether it was waiting."""
        return take_back(self._waiting, number)

    def tick(self, now_s: float) -> float:
        """Send the sound up to now. Returns when the next is due."""
        if self._next_s == math.inf:
            return math.inf
        silent_until_s = self._faults.number("silent")
        if now_s < silent_until_s:
            return silent_until_s
        if now_s - self._next_s > _BEHIND_S:
            self._skip(now_s)
        if now_s >= self._wake_s:
            self._send(now_s)
        return self._wake_s

    def _send(self, now_s: float) -> None:
        while self._waiting and self._next_s + len(self._waiting[0].packets) / PACKETS_PER_S <= now_s:
            # Where a busy machine asks for too few packets, more samples in each catch up, as with any microphone whose
            # clock is not that of the bus.
            is_late = now_s - self._next_s > sum(len(each.packets) for each in self._waiting) / PACKETS_PER_S
            size = MOST_PACKET_BYTES if is_late else PACKET_BYTES
            request = self._waiting.popleft()
            self._link.answer_packets(request, [Packet(self._piece(size)) for _ in request.packets])
            self._next_s += len(request.packets) * size / SAMPLE_BYTES / RATE_HZ
        # A thousand transfers in a second are too many to wake up for each: the next time is when half of them are due.
        half = -(-len(self._waiting) // 2)
        packets = sum(len(request.packets) for request in islice(self._waiting, half))
        self._wake_s = self._next_s + packets / PACKETS_PER_S if packets else math.inf

    def _skip(self, now_s: float) -> None:
        lost = round((now_s - self._next_s) * PACKETS_PER_S)
        self._at = (self._at + lost * PACKET_BYTES) % (RATE_HZ * SAMPLE_BYTES)
        self._next_s += lost / PACKETS_PER_S
        self._books.event("sound-lost", packets=lost)

    def _piece(self, size: int) -> bytes:
        piece = self._sound[self._at : self._at + size]
        self._at = (self._at + size) % (RATE_HZ * SAMPLE_BYTES)
        return piece
