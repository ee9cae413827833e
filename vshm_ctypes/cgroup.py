# SPDX-License-Identifier: Apache-2.0
"""How much memory this process may have: of a container, or a unit with MemoryMax=, less than the machine has."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_MOST = 2**62  # version 1 says about that where there is no limit


class MemoryLimit(NamedTuple):
    """Bytes that a control group may have in all, and of these still may."""

    total: int
    available: int


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # "max": no limit
        return None


def _reclaimable(folder: Path) -> int:
    """Pages of files that have not been used lately: the kernel takes them back for whoever wants memory."""
    try:
        pairs = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        figures = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
    except (OSError, ValueError):
        return 0
    return figures.get("total_inactive_file", figures.get("inactive_file", 0))


def _folders(root: Path) -> list[tuple[Path, str, str]]:
    """Groups that this process is in, up to the outermost one: folder, and its files of limit and use."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:
            top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            top, names = root / "sys/fs/cgroup/memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        found += [(top.joinpath(*parts[:depth]), *names) for depth in range(len(parts) + 1)]
    return found


def memory_limit(root: Path = Path("/")) -> MemoryLimit | None:
    """The tightest; None: there is none, or it can't be seen. root: where proc and sys are found."""
    limits = []
    for folder, limit_file, use_file in _folders(root):
        limit, use = _number(folder / limit_file), _number(folder / use_file)
        if limit is not None and limit < _MOST and use is not None:
            limits.append(MemoryLimit(limit, min(max(limit - use + _reclaimable(folder), 0), limit)))
    if not limits:
        return None
    return MemoryLimit(min(one.total for one in limits), min(one.available for one in limits))
