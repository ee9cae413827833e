# SPDX-License-Identifier: Apache-2.0
"""Follows a file to which another process appends lines, so that a long one is not read again for each look."""

from __future__ import annotations

from pathlib import Path


class GrowingFile:
    """A file of lines, which need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def lines(self) -> list[str]:
        """Return the whole lines, with their ends, that were not returned before. Raises OSError."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole.decode().splitlines(keepends=True)
