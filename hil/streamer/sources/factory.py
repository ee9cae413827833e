# SPDX-License-Identifier: Apache-2.0
"""Creates the source that --device names. Of the sources, only that one is loaded."""

from __future__ import annotations

from vshm_ctypes.commandline.extras import remedy

from .healing import HealingSource
from .keeper import KEEP_S
from .modes import Wanted
from .source import Source, SourceError
from .timeline import Timelines


def make_source(
    words: str, wanted: Wanted, loop: bool, timelines: Timelines, keep_s: float = KEEP_S, starts: int = 0
) -> Source:
    """Return the source that is named, not opened yet. Raises SourceError.

    A camera is reopened whenever it fails, and so is a file that is looped; a file that is not looped ends where it
    can't be read on. keep_s: as for Keeper. starts: as for HealingSource.
    """
    if words.startswith("file:"):
        from .file import FileSource

        path = words.removeprefix("file:")
        source = FileSource(path, loop, timelines.of(path), wanted.fps, wanted.copy)
        return HealingSource(source) if loop else source
    return HealingSource(_camera(words, wanted, keep_s), starts=starts)


def is_v4l2(words: str) -> bool:
    """Return whether the words name a V4L2 camera."""
    return words != "rpicam" and not words.startswith(("file:", "ring:", "testsrc"))


def _camera(words: str, wanted: Wanted, keep_s: float) -> Source:
    if words.startswith("testsrc"):
        return _test_card(words, wanted)
    if words == "rpicam":
        from .rpicam import RpicamSource

        return RpicamSource(wanted)
    if words.startswith("ring:"):
        from .ring import RingSource

        return RingSource(words.removeprefix("ring:"), wanted)
    from .v4l2 import V4l2Source  # v4l2py is slow to import

    return V4l2Source(words, wanted, keep_s)


def _test_card(words: str, wanted: Wanted) -> Source:
    try:
        from .testsrc import TestSource  # it draws with numpy, which boards with a camera do without
    except ModuleNotFoundError as error:
        raise SourceError(0, f"{words}: {remedy(error) or error}") from None
    return TestSource(words, wanted)
