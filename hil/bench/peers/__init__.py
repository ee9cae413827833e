# SPDX-License-Identifier: Apache-2.0
"""The peers in Python, one file each. A peer's package is imported only by the processes that use it."""

from __future__ import annotations

import importlib
import importlib.util

from ..peer import Peer

# name: (module, class)
PEERS = {
    "video-shm": ("video_shm", "VideoShm"),
    "video-shm borrow": ("video_shm_borrow", "VideoShmBorrow"),
    "iceoryx2": ("iceoryx", "Iceoryx"),
    "zeromq": ("zeromq", "ZeroMq"),
    "pipe": ("pipe", "Pipe"),
    "websocket": ("websocket", "WebSocket"),
}


def peer_class(name: str) -> type[Peer]:
    """Return the class of a peer."""
    module, kind = PEERS[name]
    found: type[Peer] = getattr(importlib.import_module(f".{module}", __package__), kind)
    return found


def missing_package(name: str) -> str | None:
    """Return what has to be installed for a peer, or None if nothing is missing."""
    package = peer_class(name).package
    module = {"pyzmq": "zmq"}.get(package or "", package)
    return package if module is not None and importlib.util.find_spec(module) is None else None
