# SPDX-License-Identifier: Apache-2.0
"""A stream from a USB camera of our own to which one fault after the other happens, and what became of each picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hil.fleet import FleetResult
from hil.fleet.camera_page import SentPictures
from hil.fleet.faults import FaultResult
from hil.usb.books import Picture
from hil.usb.camera_process import UsbCamera
from hil.workers.records import accepted

EACH_S = 0.8  # from one fault of pictures to the next
PATIENCE_S = 60.0  # for one of them, on an emulated machine
PICTURES = 2  # that suffer it
LOOK_EVERY_S = 0.05
# Faults of pictures, and whether what is left of one is a picture. None: that depends on where it is hit.
PICTURE_FAULTS: dict[str, bool | None] = {
    "truncated": False,
    "damaged": None,  # a decoder may find nothing wrong in some bytes
    "empty": False,
    "tiny": False,
    "halves": False,
    "error-bit": False,
    "lost-packet": False,
    "hole": False,
    "lost-end": False,
    "no-end": True,  # the next one's frame id ends it
    "stuck-id": None,  # two in one buffer, of which the first one is a picture
    "bad-header": False,
}


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is done to a camera.

    after_s: from when the one before was done. name: in the report. within_s: the longest time that it may take.
    """

    after_s: float
    name: str
    do: Callable[[], object]
    within_s: float = PATIENCE_S


class Plan:
    """Deeds that are done one after the other. done: so far, and when. rest_s: how long to go on after the last one."""

    def __init__(self, deeds: Sequence[Deed], rest_s: float) -> None:
        self.done: list[FaultResult] = []
        self._deeds, self._rest_s = deeds, rest_s
        self._last_s: float | None = None

    @property
    def most_s(self) -> float:
        """The longest time that the deeds may take together."""
        return sum(deed.after_s + deed.within_s for deed in self._deeds)

    def go_on(self, clock: Callable[[], float] = time.monotonic) -> bool:
        """Do what is due now, at most one. Returns whether all is done, and the rest has passed."""
        self._last_s = clock() if self._last_s is None else self._last_s
        passed_s = clock() - self._last_s
        if len(self.done) == len(self._deeds):
            return passed_s >= self._rest_s
        deed = self._deeds[len(self.done)]
        if passed_s >= deed.after_s:
            self.done.append(FaultResult(deed.name, time.monotonic_ns()))
            deed.do()
            self._last_s = clock()
        return False


def picture_deeds(usb: UsbCamera) -> list[Deed]:
    """Return the faults of pictures, one after the other."""
    return [Deed(EACH_S, name, partial(usb.set, name, PICTURES)) for name in PICTURE_FAULTS]


def interruptions(usb: UsbCamera, stall_s: float) -> list[Deed]:
    """Return the faults that may end a stream: transfers fail, it stalls, is refused anew, and the plug is pulled."""
    return [
        Deed(EACH_S, "failed-transfer", partial(usb.set, "failed-transfer", PICTURES)),
        Deed(EACH_S, "refuse-commit", partial(usb.set, "refuse-commit", 1)),
        Deed(0, "stall", partial(usb.set, "stall", stall_s)),
        Deed(2 * stall_s, "unplug", usb.unplug),
        Deed(1, "plug", partial(plug_and_wait, usb)),
    ]


def plug_and_wait(usb: UsbCamera, patience_s: float = PATIENCE_S) -> None:
    """Plug a camera in, and wait until it has sent a picture: on a busy machine it takes its time to be opened."""
    usb.plug()
    plugged_ns, until_s = time.monotonic_ns(), time.monotonic() + patience_s
    while time.monotonic() < until_s:
        if any((picture.sent_ns or 0) > plugged_ns for picture in usb.books().pictures[-PICTURES:]):
            return
        time.sleep(LOOK_EVERY_S)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the pictures that suffered a fault.

    hit: pictures. shown: of them those that were delivered to readers. after: pictures that were delivered between
    them and the next fault.
    """

    hit: int
    shown: int
    after: int


def fate_of(fault: str, result: FleetResult) -> Fate:
    """Return what became of the pictures that suffered a fault, by the camera's books and the writer's ledger."""
    sent = SentPictures(result.sent or [])
    delivered = {place for _, place in sent.matched(accepted(result.writer.written)) if place is not None}
    hit = [
        (at, number) for at, stream in enumerate(sent.streams) for number, one in enumerate(stream) if fault in one.what
    ]
    if not hit:
        return Fate(0, 0, 0)
    stream, last = hit[-1]
    after = range(last + 1, _next_fault(sent.streams[stream], last + 1))
    return Fate(len(hit), sum(place in delivered for place in hit), sum((stream, at) in delivered for at in after))


def _next_fault(pictures: Sequence[Picture], begin: int) -> int:
    """Return the position of the next picture that suffered one, or the end."""
    return next((at for at in range(begin, len(pictures)) if not pictures[at].whole), len(pictures))


def wrongly_shown(pictures: Sequence[Any], numbers: Sequence[int], result: FleetResult) -> list[int]:
    """Return the frames whose decoded picture does not show the number that the camera drew into it.

    pictures: decoded, one for each of the frames with these numbers.
    """
    from hil.streamer.sources import barcode

    shown = result.shown()
    wrong = []
    for picture, number in zip(pictures, numbers, strict=True):
        luma = picture.reformat(format="yuv420p").to_ndarray()[: picture.height]
        if barcode.read(luma) != shown.get(number):
            wrong.append(number)
    return wrong
