# SPDX-License-Identifier: Apache-2.0
"""Reserves a place for one run: waits in the coordinator's queue, and releases the place at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vshm_ctypes.commandline.own_module import own_module

from ..processes.command import CommandError, output_of
from .places import FarmError

CLIENT_TIMEOUT_S = 30.0


@contextmanager
def reserved(place: str, coordinator: str, wait_s: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the place during the block. wait_s: the longest time until others release it. Raises FarmError."""
    told = _client(coordinator, "reserve", "--shell", f"name={place}")
    token = re.fullmatch(r"export LG_TOKEN=(\w+)\s*", told)
    if token is None:
        raise FarmError(f"labgrid-client reserve printed {told.strip()!r} instead of a reservation's token")
    try:
        say("waiting for the place")
        _client(coordinator, "wait", token[1], timeout_s=wait_s)
        _client(coordinator, "-p", place, "acquire")
        try:
            yield
        finally:
            _client(coordinator, "-p", place, "release")
    finally:
        _client(coordinator, "cancel-reservation", token[1])


def _client(coordinator: str, *words: str, timeout_s: float = CLIENT_TIMEOUT_S) -> str:
    # By module, since the folder of pip's programs, beside this Python or in ~/.local/bin, is not known.
    client = own_module("labgrid.remote.client")
    try:
        return output_of([*client, *words], timeout_s, {"LG_COORDINATOR": coordinator})
    except CommandError as error:
        raise FarmError(f"coordinator {coordinator}: {error}") from None
