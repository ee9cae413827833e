# SPDX-License-Identifier: Apache-2.0
"""The faults of a camera, each with a name, what its value means, and one line of text."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


class Unit(StrEnum):
    """What a fault's value counts. Those of the first three are used up, one at a time."""

    PICTURES = "pictures"
    REQUESTS = "requests"
    ANSWERS = "answers"
    SECONDS = "seconds"
    SECONDS_FROM_NOW = "seconds from now"
    BYTES = "bytes"
    PARTS = "parts"
    SWITCH = "0 or 1"
    WORD = "word"


_COUNTED = (Unit.PICTURES, Unit.REQUESTS, Unit.ANSWERS)
_WHOLE = (*_COUNTED, Unit.BYTES, Unit.PARTS)
_MOST = 1e9
OFF = "off"


class Fault(NamedTuple):
    """A fault. words: the values that one of the unit WORD may have, besides off."""

    name: str
    unit: Unit
    text: str
    words: tuple[str, ...] = ()

    @property
    def values(self) -> str:
        """What may be given, for people."""
        return "|".join((*self.words, OFF)) if self.words else str(self.unit)


_LIST = (
    # Of a picture's bytes
    Fault("truncated", Unit.PICTURES, "the second half is missing, and the end of the picture is told all the same"),
    Fault("damaged", Unit.PICTURES, "bytes in the middle are wrong, and nobody is told"),
    Fault("empty", Unit.PICTURES, "a header without any data, which ends the picture"),
    Fault("tiny", Unit.PICTURES, "a single byte of data"),
    Fault("halves", Unit.PICTURES, "each half comes as a picture of its own"),
    # Of its payloads and packets
    Fault("error-bit", Unit.PICTURES, "one payload's header has the error bit"),
    Fault("lost-packet", Unit.PICTURES, "the bus loses a packet in the middle, and tells (isochronous only)"),
    Fault("hole", Unit.PICTURES, "a payload in the middle is never sent, and nobody is told"),
    Fault("lost-end", Unit.PICTURES, "the second half is never sent, nor the end of the picture told"),
    Fault("no-end", Unit.PICTURES, "all data is there, but the end of the picture is not told"),
    Fault("stuck-id", Unit.PICTURES, "the frame id does not change after it, as if the next one were the same"),
    Fault("bad-header", Unit.PICTURES, "a payload's header claims to be longer than the payload"),
    Fault("failed-transfer", Unit.REQUESTS, "a request for video fails as a whole, with EPROTO"),
    # Of time
    Fault("stall", Unit.SECONDS_FROM_NOW, "nothing is sent for that long from now on"),
    Fault("late-start", Unit.SECONDS, "the first picture comes that long after streaming has started"),
    Fault("interval", Unit.SECONDS, "one picture in that time, whatever was negotiated: 2.5 is 0.4 fps"),
    Fault("dark", Unit.SWITCH, "a third of the rate, unless the control exposure_dynamic_framerate forbids it"),
    Fault("jitter", Unit.SECONDS, "each picture is late by a random time up to that"),
    Fault("spread", Unit.PARTS, "a picture is sent in that many parts over its whole time, as on a busy bus"),
    Fault("pts", Unit.WORD, "presentation time of the pictures", ("zero", "jump", "back", "fast", "random", "none")),
    Fault("scr", Unit.WORD, "the camera's clock in each payload", ("zero", "frozen", "random", "none")),
    Fault("hung", Unit.SWITCH, "nothing is sent until it is reset, or plugged in again, which ends the fault"),
    # Of answers
    Fault("refuse-probe", Unit.ANSWERS, "a format that the host proposes is refused (STALL)"),
    Fault("refuse-commit", Unit.ANSWERS, "a format that the host has settled on is refused (STALL)"),
    Fault("refuse-interface", Unit.ANSWERS, "streaming is refused at its start (STALL)"),
    Fault("no-bandwidth", Unit.ANSWERS, "the bus has no bandwidth left for streaming (ENOSPC), as for a second camera"),
    Fault("confused", Unit.SWITCH, "what is asked about formats fails (EPROTO) until it is reset, or plugged in again"),
    Fault("mute-probe", Unit.SWITCH, "nothing is answered to what is asked about formats"),
    Fault("refuse-controls", Unit.SWITCH, "every control is refused (STALL)"),
    Fault("mute-controls", Unit.SWITCH, "nothing is answered to any control"),
    Fault("no-default", Unit.SWITCH, "brightness does not tell its default value (STALL), and all other controls do"),
    Fault("slow-controls", Unit.SECONDS, "every control is answered that late"),
    Fault("lost-on-resume", Unit.ANSWERS, "after a suspend, the camera does not answer until it is reset"),
    Fault("frame-size", Unit.BYTES, "the largest picture is said to have that many bytes"),
    # Of the microphone
    Fault("silent", Unit.SECONDS_FROM_NOW, "the microphone sends nothing for that long from now on"),
)
FAULTS = {fault.name: fault for fault in _LIST}


class FaultError(ValueError):
    """There is no such fault, or it can't have that value. The message says what there is."""


class Faults:
    """The faults that are set. taken: how often each was used up so far, by name. now: returns seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.taken: dict[str, int] = {}
        self._now = now
        self._numbers: dict[str, float] = {}
        self._words: dict[str, str] = {}

    def set(self, name: str, value: float | str = 1) -> None:
        """Set a fault; 0 or "off" ends it. Raises FaultError."""
        fault = fault_of(name)
        if fault.unit == Unit.WORD:
            if value not in (*fault.words, OFF):
                raise FaultError(f"{name}={value}: {fault.values}")
            self._words[name] = "" if value == OFF else str(value)
            return
        number = _number(fault, value)
        self._numbers[name] = self._now() + number if fault.unit == Unit.SECONDS_FROM_NOW else number

    def clear(self) -> None:
        """End all faults."""
        self._numbers.clear()
        self._words.clear()

    def number(self, name: str) -> float:
        """Return the value of a fault, 0 if it is not set; the time of its end if it is one of seconds from now."""
        return self._numbers.get(name, 0)

    def word(self, name: str) -> str:
        """Return the value of a fault whose values are words, or "" if it is not set."""
        return self._words.get(name, "")

    def take(self, name: str) -> bool:
        """Return whether a counted fault is due now; if so, it has one less to go."""
        left = self.number(name)
        if left < 1:
            return False
        self._numbers[name] = left - 1
        self.taken[name] = self.taken.get(name, 0) + 1
        return True


def fault_of(name: str) -> Fault:
    """Return the fault of that name. Raises FaultError."""
    try:
        return FAULTS[name]
    except KeyError:
        raise FaultError(f"{name}: no such fault; there are {', '.join(FAULTS)}") from None


def _number(fault: Fault, value: float | str) -> float:
    try:
        number = 0.0 if value == OFF else float(value)
    except ValueError:
        number = math.nan
    whole = fault.unit in _WHOLE and not number.is_integer()
    if not 0 <= number <= _MOST or whole or (fault.unit == Unit.SWITCH and number not in (0, 1)):
        raise FaultError(f"{fault.name}={value}: {fault.unit}, from 0 on")
    return number


def listing() -> str:
    """Return one line for each fault, for --help."""
    width = max(len(f"{fault.name}={fault.values}") for fault in _LIST if not fault.words)
    return "\n".join(f"  {f'{fault.name}={fault.values}':<{width}}  {fault.text}" for fault in _LIST)
