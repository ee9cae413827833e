# SPDX-License-Identifier: Apache-2.0
"""What every source is, and what it hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vshm_ctypes import Codec

from ..bitstream import AccessUnit

if TYPE_CHECKING:
    import av


class SourceError(OSError):
    """The source can't be opened, or can't go on; the message says why, and what there is."""


@dataclass(slots=True)
class Captured:
    """One picture, raw or already encoded.

    capture_ns: CLOCK_MONOTONIC. from_driver: whether that is the driver's word. sequence: the driver's number; -1:
    none. discontinuity: what came before does not lead here. bad: damaged, as the driver says; without a picture.
    shared: other lanes have the same picture.
    """

    capture_ns: int
    picture: av.VideoFrame | None = None
    unit: AccessUnit | None = None
    sequence: int = -1
    from_driver: bool = False
    discontinuity: bool = False
    bad: bool = False
    shared: bool = False


class Source(Protocol):
    """A camera, or what stands in for one. All but its name is known once it is open."""

    @property
    def name(self) -> str:
        """As the log calls it."""

    @property
    def width(self) -> int:
        """Pixels."""

    @property
    def height(self) -> int:
        """Pixels."""

    @property
    def fps(self) -> float:
        """Frames per second."""

    @property
    def codec(self) -> Codec | None:
        """None where it hands out raw pictures."""

    def open(self) -> None:
        """Begin. Raises SourceError."""

    def read(self, timeout_s: float) -> Captured | None:
        """The next picture; None: none came in time. Raises SourceError: it is gone; EOFError: it has ended."""

    def close(self) -> None:
        """Let go. Twice is fine."""
