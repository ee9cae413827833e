# SPDX-License-Identifier: Apache-2.0
"""The protocol of all sources, and what they deliver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import AccessUnit

if TYPE_CHECKING:
    import av


# absent: it is not there. unsuitable: it can't deliver what is wanted. streamon: it is there but does not start.
Trouble = Literal["absent", "unsuitable", "streamon", "unplugged", "fatal", "failed"]


class SourceError(OSError):
    """The source can't be opened, or can't go on. The message says why, and what there is instead."""

    def __init__(self, number: int, text: str, kind: Trouble = "failed") -> None:
        super().__init__(number, text)
        self.kind: Trouble = kind


@dataclass(slots=True)
class Captured:
    """A picture, raw or encoded, or some sound, which is dated by its first sample.

    unit: one where decoding can begin has all parameter sets. capture_ns: CLOCK_MONOTONIC. from_driver: whether that is
    the driver's timestamp. sequence: the driver's sequence number, or -1 if there is none. discontinuity: it does not
    continue what came before. bad: the driver flagged it as damaged; it has no picture.
    """

    capture_ns: int
    picture: av.VideoFrame | None = None
    unit: AccessUnit | None = None
    sound: av.AudioFrame | None = None
    sequence: int = -1
    from_driver: bool = False
    discontinuity: bool = False
    bad: bool = False

    def copy(self) -> Captured:
        """Return another one of the same picture, for a lane of its own. dataclasses.replace looks each field up."""
        same = self.capture_ns, self.picture, self.unit, self.sound, self.sequence
        return Captured(*same, self.from_driver, self.discontinuity, self.bad)


class Source(Protocol):
    """A camera, or another source of pictures. All but its name is known once it is open."""

    @property
    def name(self) -> str:
        """The name for the log."""

    @property
    def width(self) -> int:
        """Width in pixels."""

    @property
    def height(self) -> int:
        """Height in pixels."""

    @property
    def fps(self) -> float:
        """Frames per second."""

    @property
    def live(self) -> bool:
        """Whether it delivers by itself like a camera. A file is not live, and its silence is not a failure."""

    @property
    def codec(self) -> Codec | None:
        """The codec of its access units, or None if it delivers raw pictures."""

    def open(self) -> None:
        """Start. Raises SourceError."""

    def read(self, timeout_s: float) -> Captured | None:
        """Return the next picture, or None after timeout_s seconds.

        Raises SourceError if it is gone, EOFError at its end.
        """

    def want_keyframe(self) -> None:
        """Make the next picture a keyframe, if the source encodes by itself and can.

        Called on the source's thread only.
        """

    def figures(self) -> dict[str, int]:
        """Return its counters since the start, by name."""

    def close(self) -> None:
        """Close the source. A second call does nothing."""
