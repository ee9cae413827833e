# SPDX-License-Identifier: Apache-2.0
"""The peers in Python, one file each. A peer's package is imported only by the processes that use it."""

from __future__ import annotations

import importlib

from ..peer import Peer

# name: (module, class)
PEERS = {
    "video-shm": ("video_shm", "VideoShm"),
    "video-shm borrow": ("video_shm_borrow", "VideoShmBorrow"),
    "iceoryx2": ("iceoryx", "Iceoryx"),
    "zeromq": ("zeromq", "ZeroMq"),
    "pipe": ("pipe", "Pipe"),
    "websocket": ("websocket", "WebSocket"),
    "futex floor": ("futex_floor", "FutexFloor"),
    "bare calls, receive": ("bare_calls", "BareReceive"),
    "bare calls, borrow": ("bare_calls", "BareBorrow"),
    "shared_memory": ("shared_memory", "SharedMemory"),
    "gstreamer shm": ("gstreamer", "GStreamerShm"),
    "gstreamer unixfd": ("gstreamer", "GStreamerUnixfd"),
}
OF_FRAMES = ("video-shm", "video-shm borrow", "futex floor", "iceoryx2", "zeromq", "pipe", "websocket")
OF_PICTURES = (
    "video-shm",
    "video-shm borrow",
    "futex floor",
    "iceoryx2",
    "zeromq",
    "shared_memory",
    "gstreamer shm",
    "gstreamer unixfd",
)


def peer_class(name: str) -> type[Peer]:
    """Return the class of a peer."""
    module, kind = PEERS[name]
    found: type[Peer] = getattr(importlib.import_module(f".{module}", __package__), kind)
    return found
