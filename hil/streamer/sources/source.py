# SPDX-License-Identifier: Apache-2.0
"""What every source is, and what it hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit

if TYPE_CHECKING:
    import av


# absent: it is not there. unsuitable: it is no use for what is wanted. streamon: it is there and does not start.
Trouble = Literal["absent", "unsuitable", "streamon", "unplugged", "fatal", "failed"]


class SourceError(OSError):
    """The source can't be opened, or can't go on; the message says why, and what there is."""

    def __init__(self, number: int, text: str, kind: Trouble = "failed") -> None:
        super().__init__(number, text)
        self.kind: Trouble = kind


@dataclass(slots=True)
class Captured:
    """One picture, raw or already encoded; or some sound, dated by its first sample.

    capture_ns: CLOCK_MONOTONIC. from_driver: whether that is the driver's word. sequence: the driver's number; -1:
    none. discontinuity: what came before does not lead here. bad: damaged, as the driver says; without a picture.
    """

    capture_ns: int
    picture: av.VideoFrame | None = None
    unit: AccessUnit | None = None
    sound: av.AudioFrame | None = None
    sequence: int = -1
    from_driver: bool = False
    discontinuity: bool = False
    bad: bool = False


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
    def live(self) -> bool:
        """Whether it comes by itself, as from a camera: a file is no camera, and its silence is no fault."""

    @property
    def codec(self) -> Codec | None:
        """None where it hands out raw pictures."""

    def open(self) -> None:
        """Begin. Raises SourceError."""

    def read(self, timeout_s: float) -> Captured | None:
        """The next picture; None: none came in time. Raises SourceError: it is gone; EOFError: it has ended."""

    def want_keyframe(self) -> None:
        """The next picture is to be key, where the source encodes by itself and can be told. From its own thread."""

    def figures(self) -> dict[str, int]:
        """What it counted since the start, by name."""

    def close(self) -> None:
        """Let go. Twice is fine."""
