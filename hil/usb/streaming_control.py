# SPDX-License-Identifier: Apache-2.0
"""The requests to the streaming interface: probe and commit, with what may go wrong there."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable

from .books import BookKeeper
from .controls import (
    GET_CUR,
    GET_DEF,
    GET_INFO,
    GET_LEN,
    GET_MAX,
    GET_MIN,
    READ_AND_WRITE,
    SET_CUR,
)
from .faults import Faults
from .negotiation import Choice, Negotiation
from .reply import DONE, NEVER, STALL, Reply, Setup

PROBE, COMMIT = 1, 2  # selectors


class StreamingControl:
    """What was agreed on so far. committed: is called with what the host settles on."""

    def __init__(
        self, negotiation: Negotiation, faults: Faults, books: BookKeeper, committed: Callable[[Choice], None]
    ) -> None:
        self._negotiation, self._faults, self._books, self._committed = negotiation, faults, books, committed
        self.choice = negotiation.choose(1, 1, 0)

    def answer(self, setup: Setup) -> Reply:
        """Return what is replied to a request of the class."""
        if setup.selector not in (PROBE, COMMIT) or setup.entity:
            return STALL
        if self._faults.number("mute-probe"):
            return NEVER
        if self._faults.number("confused"):
            return Reply(status=-errno.EPROTO)
        if setup.request == SET_CUR:
            return self._set(setup)
        size = int(self._faults.number("frame-size"))
        here = self.choice
        if setup.request == GET_INFO:
            return Reply(bytes([READ_AND_WRITE]))
        if setup.request == GET_LEN:
            return Reply(struct.pack("<H", len(self._negotiation.pack(here))))
        if setup.request in (GET_MIN, GET_MAX, GET_DEF):
            defaults = self._negotiation.choose(here.format_index, here.frame_index, 0, size)
            return Reply(self._negotiation.pack(defaults))
        return Reply(self._negotiation.pack(here)) if setup.request == GET_CUR else STALL

    def _set(self, setup: Setup) -> Reply:
        fault = "refuse-probe" if setup.selector == PROBE else "refuse-commit"
        if self._faults.take(fault):
            self._books.event(fault)
            return STALL
        choice = self._negotiation.proposal(setup.data, int(self._faults.number("frame-size")))
        if choice is None:
            return STALL
        self.choice = choice
        if setup.selector == COMMIT:
            self._committed(choice)
        return DONE
