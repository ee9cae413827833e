# SPDX-License-Identifier: Apache-2.0
"""How much memory this process may use: in a container, or a unit with MemoryMax=, less than the machine has."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_MOST = 2**62  # cgroup version 1 reports about this much if there is no limit


class MemoryLimit(NamedTuple):
    """The bytes that a control group may use in total, and how many of them are still available."""

    total: int
    available: int


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # "max": no limit
        return None


def _reclaimable(folder: Path) -> int:
    """Return the bytes of inactive page cache, which the kernel reclaims when memory is wanted."""
    try:
        pairs = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        figures = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
    except (OSError, ValueError):
        return 0
    return figures.get("total_inactive_file", figures.get("inactive_file", 0))


def _folders(root: Path) -> list[tuple[Path, str, str]]:
    """Return this process's control groups and their parents, each as (folder, name of limit file, of usage file)."""
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
    """Return the tightest memory limit of this process, or None if there is none or it can't be seen.

    root is the folder that contains proc and sys.
    """
    limits = []
    for folder, limit_file, use_file in _folders(root):
        limit, use = _number(folder / limit_file), _number(folder / use_file)
        if limit is not None and limit < _MOST and use is not None:
            limits.append(MemoryLimit(limit, min(max(limit - use + _reclaimable(folder), 0), limit)))
    if not limits:
        return None
    return MemoryLimit(min(one.total for one in limits), min(one.available for one in limits))
