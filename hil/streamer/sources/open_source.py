# SPDX-License-Identifier: Apache-2.0
"""From the words of --device to a source."""

from __future__ import annotations

from .file import FileSource
from .rpicam import RpicamSource
from .source import Source, SourceError
from .testsrc import TestSource


def make_source(words: str, loop: bool = False) -> Source:
    """The source that the words name, not opened yet. Raises SourceError."""
    if words.startswith("testsrc"):
        return TestSource(words)
    if words.startswith("file:"):
        return FileSource(words.removeprefix("file:"), loop)
    if words == "rpicam":
        return RpicamSource()
    known = "testsrc, testsrc:WIDTHxHEIGHT@FPS, file:PATH, or rpicam"
    raise SourceError(0, f"{words}: no source of that name: {known}")
