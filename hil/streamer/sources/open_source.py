# SPDX-License-Identifier: Apache-2.0
"""From the words of --device to a source."""

from __future__ import annotations

from .file import FileSource
from .modes import Wanted
from .rpicam import RpicamSource
from .source import Source
from .testsrc import TestSource


def make_source(words: str, wanted: Wanted, loop: bool = False) -> Source:
    """The source that the words name, not opened yet. Raises SourceError."""
    if words.startswith("testsrc"):
        return TestSource(words, wanted)
    if words.startswith("file:"):
        return FileSource(words.removeprefix("file:"), loop)
    if words == "rpicam":
        return RpicamSource(wanted)
    from .v4l2 import V4l2Source  # v4l2py takes long to import

    return V4l2Source(words, wanted)
