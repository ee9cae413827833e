# SPDX-License-Identifier: Apache-2.0
"""What each peer has to be able to do: hand frames from one process to several others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Link:
    """Who talks to whom. folder: for sockets and files, gone afterwards. name: nobody else's. size: bytes of a frame.

    receiver: number of this process among the receivers; None: it sends.
    """

    folder: Path
    name: str
    size: int
    receivers: int
    receiver: int | None = None


class Peer(ABC):
    """One side of a link, in a process of its own.

    copies: of a frame's bytes on its way to one receiver, the kernel's counted; how: which these are. package: what
    has to be installed. missed: frames that a receiver lost so far, as the peer itself says; None: it does not tell.
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
        """Be there for receivers. Does not wait for them."""

    @abstractmethod
    def open_to_receive(self) -> None:
        """Join the sender, which is there."""

    @abstractmethod
    def send(self, data: bytearray) -> None:
        """One frame to all receivers. The caller changes data afterwards."""

    @abstractmethod
    def receive(self) -> Buffer:
        """The next frame; waits for it. Good until release()."""

    def release(self) -> bool:
        """The frame that was received last is no longer needed. Returns whether its bytes stayed whole."""
        return True

    @abstractmethod
    def close(self) -> None:
        """Nothing is left of it."""

    @classmethod  # noqa: B027 - most leave nothing there
    def sweep(cls, link: Link) -> None:
        """Remove what killed processes left outside of the folder."""
