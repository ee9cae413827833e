# SPDX-License-Identifier: Apache-2.0
"""Finds the gate's channels that nobody can be using any more."""

import re
from pathlib import Path

from writers import SHARED_MEMORY, wait_until

from hil.blocks.channel import channels_of

_PROCESSES = 4_194_304  # no kernel has more; beyond their channels are those of the C tests
_FIRST, _EACH = channels_of(0)[0], len(channels_of(0))


def orphaned(name: str) -> bool:
    """Return whether a shared memory object belongs to a channel of the gate with a process that is gone."""
    channel = re.fullmatch(r".*_ch([1-9]\d{7,})", name)
    pid = (int(channel[1]) - _FIRST) // _EACH if channel else -1
    return 0 < pid < _PROCESSES and not Path(f"/proc/{pid}").exists()


def orphans() -> set[str]:
    """Return all such objects."""
    return {path.name for path in SHARED_MEMORY.iterdir() if orphaned(path.name)}


def nothing_is_left_but(before: set[str]) -> None:
    """Assert that only these are left after a moment, in which another test may remove its own."""
    wait_until(lambda: orphans() <= before, "what nobody uses any more is gone")
