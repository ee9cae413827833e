# SPDX-License-Identifier: Apache-2.0
"""The interface of a peer, which passes frames from one process to several others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Link:
    """A sender and its receivers. folder: of sockets and files, removed afterwards. name: unique. size: of a frame.

    receiver: this process's index among the receivers, or None if it sends.
    """

    folder: Path
    name: str
    size: int
    receivers: int
    receiver: int | None = None


class Peer(ABC):
    """One side of a link, in a process of its own.

    copies: of a frame's bytes on their way to one receiver, including the kernel's; how: which these are. package: what
    has to be installed. missed: frames that a receiver has lost so far, by the peer's own count, or None if it has
    none.
    """

    name: ClassVar[str]
    copies: ClassVar[int]
    how: ClassVar[str]
    package: ClassVar[str | None] = None
    missed: int | None = 0

    def __init__(self, link: Link) -> None:
        self.link = link

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
