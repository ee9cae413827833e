# SPDX-License-Identifier: Apache-2.0
"""Opens a session with PyAV, and limits what the kernel keeps for a far side that is gone."""

from __future__ import annotations

import os
import socket
import stat
import time
from contextlib import suppress
from types import ModuleType
from typing import Any

from .destination import TS_PACKETS, Destination
from .srt import SrtSocket

INTERLEAVE_US = 100_000  # how long a frame may wait for an earlier one of another ring
KEPT_BYTES = 512 * 1024  # by the kernel, of what was sent and not received
MOST_DESCRIPTORS = 1024  # this process has a few
GONE_MS = 10_000  # until a far side that confirms nothing counts as gone


def opened(av: ModuleType, target: Destination, base_ns: int) -> tuple[SrtSocket | None, Any]:
    """Return the SRT connection, if it is one, and a container to mux into. base_ns: its time 0, CLOCK_MONOTONIC.

    Raises OSError, av.error.FFmpegError.
    """
    wall_us = (base_ns + time.time_ns() - time.monotonic_ns()) // 1000
    options = {
        "fflags": "+flush_packets",
        "max_interleave_delta": str(INTERLEAVE_US),
        # So that RTCP tells receivers when a picture was captured, by the wall clock.
        "start_time_realtime": str(wall_us),
        **target.options,
    }
    if target.is_srt:
        sink = SrtSocket(target.address)
        try:
            return sink, av.open(sink, "w", format=target.muxer, options=options, buffer_size=TS_PACKETS)
        except BaseException:
            sink.close()
            raise
    return None, av.open(target.address, "w", format=target.muxer, options=options)


def limit_sockets() -> None:
    """Bound what the kernel keeps in this process's connections: it would take megabytes before a write blocks."""
    for descriptor in range(3, MOST_DESCRIPTORS):  # without /proc, which is not there in every chroot
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as one:
                    if one.type == socket.SOCK_STREAM:
                        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_BYTES)
                    if one.type == socket.SOCK_STREAM and one.family != socket.AF_UNIX:
                        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_MS)
