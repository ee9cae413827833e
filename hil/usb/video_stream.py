# SPDX-License-Identifier: Apache-2.0
"""A stream of pictures: when each is due, what becomes of it, and how it goes out."""

from __future__ import annotations

import errno
import math
import random
from collections import deque
from collections.abc import Callable

from .books import OVERRUN, STALLED, BookKeeper, Picture
from .clips import Clip
from .damage import damage_bytes, damage_payloads
from .designs import Design
from .device_clock import DeviceClock
from .faults import Faults
from .negotiation import Choice
from .payloads import payloads
from .reply import DONE, STALL, Reply
from .sender import Entry, Sender
from .usbip import Packet
from .video_descriptors import ALTERNATES, bytes_per_microframe

MOST_WAITING = 4  # pictures: what the kernel has no transfer for goes no further
IN_THE_DARK = 3  # times as long an interval
BEHIND_S = 1.0  # a picture that is due longer than that, since the process was stopped, is not sent
_SHARE = 0.8  # of the time until the next picture, over which one is spread

Clips = dict[tuple[str, int, int], Clip]


class VideoStream:
    """The streaming interface at work. now_s: CLOCK_MONOTONIC. may_slow_down: whether a lower rate is allowed to it."""

    def __init__(
        self,
        design: Design,
        clips: Clips,
        sender: Sender,
        faults: Faults,
        books: BookKeeper,
        now_s: Callable[[], float],
        may_slow_down: Callable[[], bool] = lambda: True,
    ) -> None:
        self._may_slow_down = may_slow_down
        self._design, self._clips, self._sender = design, clips, sender
        self._faults, self._books, self._now_s = faults, books, now_s
        self._clock = DeviceClock(faults, now_s)
        self._random = random.Random(1)
        self._choice: Choice | None = None
        self._running = False
        self._payload = 0
        self._stream = self._number = self._sequence = self._frame_id = 0
        self._next_s = math.inf
        self._later: deque[tuple[float, list[Entry]]] = deque()

    def commit(self, choice: Choice) -> None:
        """Take what was agreed on. With bulk transfers the stream starts there."""
        self._choice = choice
        if self._design.bulk:
            self._start(choice.payload)

    def set_alternate(self, alternate: int) -> Reply:
        """Start or stop the stream, which with isochronous transfers the choice of an alternate setting does."""
        if alternate == 0:
            self.stop()
            return DONE
        if self._design.bulk or alternate > len(ALTERNATES) or self._choice is None:
            return STALL
        for fault, reply in (("refuse-interface", STALL), ("no-bandwidth", Reply(status=-errno.ENOSPC))):
            if self._faults.take(fault):
                self._books.event(fault)
                return reply
        self._start(min(self._choice.payload, bytes_per_microframe(ALTERNATES[alternate - 1])))
        return DONE

    def _start(self, payload: int) -> None:
        self.stop()
        assert self._choice is not None
        self._running, self._payload, self._stream = True, payload, self._books.open_stream()
        # A camera starts with a picture that a decoder can start with.
        self._number, self._sequence, self._frame_id = 0, 0, 0
        self._next_s = self._now_s() + self._faults.number("late-start")
        form, frame = self._choice.form, self._choice.frame
        size = {"width": frame.width, "height": frame.height}
        self._books.event("started", stream=self._stream, fourcc=form.fourcc, **size, interval=self._choice.interval_s)

    def stop(self) -> None:
        """Stop the stream; what was not sent is given up."""
        if not self._running:
            return
        self._sender.clear([entry for _, entries in self._later for entry in entries])
        self._later.clear()
        self._running, self._next_s = False, math.inf
        self._books.event("stopped", stream=self._stream)

    def tick(self, now_s: float) -> float:
        """Make and send what is due. Returns when something is again."""
        while self._next_s <= now_s:
            due_s = self._next_s
            self._next_s += self._interval_s()
            self._due(due_s, now_s)
        while self._later and self._later[0][0] <= now_s:
            self._sender.add(self._later.popleft()[1])
        return min(self._next_s, self._later[0][0] if self._later else math.inf)

    def _interval_s(self) -> float:
        assert self._choice is not None
        is_slow = self._faults.number("dark") and self._may_slow_down()
        return self._faults.number("interval") or self._choice.interval_s * (IN_THE_DARK if is_slow else 1)

    def _due(self, due_s: float, now_s: float) -> None:
        why_not = ""
        if due_s < self._faults.number("stall") or self._faults.number("hung"):
            why_not = STALLED
        elif self._sender.pictures >= MOST_WAITING or now_s - due_s > BEHIND_S:
            why_not = OVERRUN
        if why_not:
            self._books.picture(Picture(None, self._stream, self._sequence, 0, _ns(due_s), None, 0, (why_not,)))
            return
        packets, picture = self._picture(due_s)
        entries = [Entry(packet, None) for packet in packets[:-1]] + [Entry(packets[-1], picture)]
        self._sender.pictures += 1
        send_s = due_s + self._random.random() * self._faults.number("jitter")
        count = min(max(int(self._faults.number("spread")), 1), len(entries))
        each = -(-len(entries) // count)
        for part, begin in enumerate(range(0, len(entries), each)):
            at_s = send_s + part * self._interval_s() * _SHARE / count
            self._later.append((max(at_s, self._later[-1][0] if self._later else 0), entries[begin : begin + each]))

    def _picture(self, due_s: float) -> tuple[list[Packet], Picture]:
        """Return the packets of the next picture, at least one, and what the books say of it."""
        assert self._choice is not None
        frame = self._choice.frame
        clip = self._clips[self._choice.form.clip, frame.width, frame.height]
        data = clip.picture(self._number)
        fourcc = self._choice.form.fourcc
        parts, what = damage_bytes(data, self._faults, fourcc if self._design.slices else "")
        stamps = self._clock.stamps(due_s, self._number)
        plain: list[bytes] = []
        for part in parts[:-1]:
            plain += payloads(part, self._payload, self._frame_id, stamps)
            self._frame_id ^= 1
        plain += payloads(parts[-1], self._payload, self._frame_id, stamps)
        packets, of_packets = damage_payloads(plain, self._faults, self._design.bulk)
        what += of_packets
        sequence, shown = self._sequence, clip.shown(self._number)
        self._sequence += len(parts)
        self._number += 1
        if self._faults.take("stuck-id"):
            self._sequence -= 1
            what.append("stuck-id")
        else:
            self._frame_id ^= 1
        picture = Picture(shown, self._stream, sequence, len(parts), _ns(due_s), None, len(data), tuple(what))
        return packets, picture


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
