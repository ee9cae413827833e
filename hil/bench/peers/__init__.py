# SPDX-License-Identifier: Apache-2.0
"""The peers that speak Python, one file each. A peer's package is imported by the processes that use it only."""

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
    """The class of that peer."""
    module, kind = PEERS[name]
    found: type[Peer] = getattr(importlib.import_module(f".{module}", __package__), kind)
    return found


def missing_package(name: str) -> str | None:
    """What has to be installed for that peer; None: nothing is missing."""
    package = peer_class(name).package
    module = {"pyzmq": "zmq"}.get(package or "", package)
    return package if module is not None and importlib.util.find_spec(module) is None else None
