# SPDX-License-Identifier: Apache-2.0
"""A picture: its array, and beside it the metadata of its frame, and what was lost before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..codec import RAW_CODECS
from ..frame import Described, Frame, ViewFields
from ..picture import Range
from .arrays import Array, array_of

if TYPE_CHECKING:
    from .conversion import Converter
    from .stream import Decoded, Lost
    from .turning import Signs

FORMATS = ("bgr24", "rgb24", "grey")


class Shaper:
    """Makes arrays of one format of FORMATS from decoded pictures and raw frames. Only conversion takes PyAV."""

    def __init__(self, format: str) -> None:  # noqa: A002 - as numpy, PyAV and FFmpeg call it
        self._format = format
        self._converter: Converter | None = None

    def array(self, picture: Any, signs: Signs | None) -> Array:
        """Return the array of PyAV's picture, or of a Frame with a raw one. Nobody else has it. Raises ValueError."""
        if isinstance(picture, Frame) and self._is_done(picture):
            return array_of(picture.codec, picture.layout, picture.data).copy()
        from .conversion import Converter, as_picture

        if self._converter is None:
            self._converter = Converter(self._format)
        if isinstance(picture, Frame):
            assert picture.layout is not None
            picture = as_picture(picture.layout, picture.data)
        return self._converter.array(picture, signs)

    def _is_done(self, frame: Frame) -> bool:
        """Return whether a raw frame needs no conversion."""
        assert frame.layout is not None
        return RAW_CODECS[frame.codec] == self._format and frame.layout.colour.range != Range.LIMITED


class Picture(Described):
    """A picture of a ring, with the metadata of its frame, such as number, sequence, capture_ns and timestamp_ms.

    width and height are those that the writer gave; array().shape tells the picture's own. numpy.asarray(picture) is
    array(). A picture can be pickled, as for another process: with its array, and without decoded.

    Attributes:
        skipped_before: pictures passed over since the one before: by the policy, or for want of a keyframe.
        damaged_before: pictures since the one before that were damaged, and so are not returned.
        decoded: PyAV's av.VideoFrame, from which the array is made; None from a raw ring, or a pickle.
    """

    __slots__ = ("_array", "_missed_before", "_shaper", "_source", "damaged_before", "decoded", "skipped_before")

    def __init__(self, source: Decoded, shaper: Shaper, lost: Lost) -> None:
        super().__init__(source.frame._view)
        self.decoded: Any = None if isinstance(source.picture, Frame) else source.picture
        self._source = source
        self._shaper = shaper
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

        Raises:
            ValueError: the colour matrix of the stream is not supported.
            ModuleNotFoundError: a raw picture has to be converted, and PyAV is not installed.
        """
        if self._array is None:
            self._array = self._shaper.array(self._source.picture, self._source.signs)
        return self._array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self.array()
        if dtype is not None and dtype != array.dtype:
            if copy is False:
                raise ValueError(f"an array of {dtype} is a copy of this picture")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __reduce__(self) -> tuple[object, ...]:
        lost = (self._missed_before, self.skipped_before, self.damaged_before)
        return _restored, (self._view, self.array(), lost)

    def __repr__(self) -> str:
        return f"<picture {self.number}: {self.width}x{self.height}>"


def _restored(view: ViewFields, array: Array, lost: tuple[int, int, int]) -> Picture:
    """Return a picture as it was pickled."""
    picture = Picture.__new__(Picture)
    Described.__init__(picture, view)
    picture.decoded = None
    picture._array = array
    picture._missed_before, picture.skipped_before, picture.damaged_before = lost
    return picture
