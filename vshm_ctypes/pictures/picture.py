# SPDX-License-Identifier: Apache-2.0
"""A picture: its array, and beside it the metadata of its frame, and what was lost before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..frame import Described

if TYPE_CHECKING:
    from .conversion import Array
    from .stream import Lost


class Picture(Described):
    """A picture of a ring, with the metadata of its frame, such as number, sequence, capture_ns and timestamp_ms.

    width and height are those that the writer gave; array().shape tells the picture's own.

    Attributes:
        skipped_before: pictures passed over since the one before: by the policy, or for want of a keyframe.
        damaged_before: pictures since the one before that were damaged, and so are not returned.
        decoded: PyAV's av.VideoFrame, from which the array is made; None from a raw ring.
    """

    __slots__ = ("_array", "_convert", "_missed_before", "damaged_before", "decoded", "skipped_before")

    def __init__(self, frame: Described, decoded: Any, convert: Callable[[], Array], lost: Lost) -> None:
        super().__init__(frame._view)
        self.decoded = decoded
        self._convert = convert
        self._array: Array | None = None
        self._missed_before, self.skipped_before, self.damaged_before = lost

    @property
    def missed_before(self) -> int:
        """How many frames were overwritten before they could be read, since the picture before this one."""
        return self._missed_before

    def array(self) -> Array:
        """Return the picture as a numpy array of uint8, in the format that Pictures was opened with.

        Its shape is (height, width, 3), or (height, width) for grey. It is converted at the first call, so pictures
        that nobody looks at cost no conversion; it belongs to the program, which may draw on it.

        Raises ValueError if the colour matrix of the stream is not supported.
        """
        if self._array is None:
            self._array = self._convert()
        return self._array

    def __repr__(self) -> str:
        return f"<picture {self.number}: {self.width}x{self.height}>"
