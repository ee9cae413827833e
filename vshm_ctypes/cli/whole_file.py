# SPDX-License-Identifier: Apache-2.0
"""Files that are there whole, or as they were before: a full disk leaves no half of one."""

from __future__ import annotations

import errno
from pathlib import Path


def write_whole(path: Path, content: str | bytes, force: bool = True) -> None:
    """Write a file. force: overwrite one that is there. Raises FileExistsError, OSError, which name it."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():  # a pipe, or a device
        path.write_bytes(data)
        return
    if path.exists() and not force:
        raise FileExistsError(errno.EEXIST, "it is there already: --force overwrites it", str(path))
    place = path.resolve()  # where a link leads to
    unfinished = place.with_name(f"{place.name}.unfinished")
    try:
        try:
            unfinished.write_bytes(data)
            unfinished.replace(place)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
