# SPDX-License-Identifier: Apache-2.0
"""The interface of a peer, which passes frames from one process to several others."""

from __future__ import annotations

import importlib.util
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

Buffer = bytes | bytearray | memoryview
RING_FRAMES = 30  # slots of the original ring: what a peer without a length of its own keeps, too


@dataclass(frozen=True, slots=True)
class Link:
    """A sender and its receivers. folder: of sockets and files, removed afterwards. name: unique. size: of a frame.

    receiver: this process's index among the receivers, or None if it sends. slots: of a ring, or 0 for the original
    ring's. newest: receivers pass over all frames but the newest one.
    """

    folder: Path
    name: str
    size: int
    receivers: int
    receiver: int | None = None
    slots: int = 0
    newest: bool = False

    @property
    def kept(self) -> int:
        """The frames that a ring or a queue holds."""
        return self.slots or RING_FRAMES


class Peer(ABC):
    """One side of a link, in a process of its own.

    copies: of a frame's bytes on their way to one receiver, including the kernel's; how: which these are. package,
    module: what has to be installed, and what it is imported as. missed: frames that a receiver has lost or passed over
    so far, by the peer's own count, or None if it has none.
    """

    name: ClassVar[str]
    copies: ClassVar[int]
    how: ClassVar[str]
    package: ClassVar[str | None] = None
    module: ClassVar[str | None] = None
    missed: int | None = 0

    def __init__(self, link: Link) -> None:
        self.link = link

    @classmethod
    def obstacle(cls) -> str | None:
        """Return why this peer can't be measured here, and what to do, or None if it can."""
        if cls.package is None or importlib.util.find_spec(cls.module or cls.package):
            return None
        return f"not installed: pip install {cls.package} (or 'video-shm[bench]')"

    @classmethod
    def interpreter(cls) -> str:
        """Return the Python that runs this peer's processes."""
        return sys.executable

    @abstractmethod
    def open_to_send(self) -> None:
        """Prepare for receivers, without waiting for them."""

    @abstractmethod
    def open_to_receive(self) -> None:
        """Join the sender, which is there."""

    @abstractmethod
    def send(self, data: bytearray) -> None:
        """Send one frame to all receivers. The caller reuses data afterwards."""

    @abstractmethod
    def receive(self) -> Buffer:
        """Return the next frame, after waiting for it. It is valid until release()."""

    def release(self) -> bool:
        """Give back the frame that was received last. Returns whether its bytes stayed whole."""
        return True

    @abstractmethod
    def close(self) -> None:
        """Close the link, and leave nothing of it."""

    @classmethod  # noqa: B027 - most leave nothing there
    def sweep(cls, link: Link) -> None:
        """Remove what killed processes left outside of the folder."""
