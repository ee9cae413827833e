# SPDX-License-Identifier: Apache-2.0
"""Which of the gate's channels nobody can be using any more."""

import re
from pathlib import Path

from writers import SHARED_MEMORY, wait_until

from hil.gate.stage import channels_of

_PROCESSES = 4_194_304  # no kernel has more; beyond their channels are those of the C tests
_FIRST, _EACH = channels_of(0)[0], len(channels_of(0))


def orphaned(name: str) -> bool:
    """Whether an object in shared memory is of a channel of the gate whose process is gone."""
    channel = re.fullmatch(r".*_ch([1-9]\d{7,})", name)
    pid = (int(channel[1]) - _FIRST) // _EACH if channel else -1
    return 0 < pid < _PROCESSES and not Path(f"/proc/{pid}").exists()


def orphans() -> set[str]:
    """All that are there now."""
    return {path.name for path in SHARED_MEMORY.iterdir() if orphaned(path.name)}


def nothing_is_left_but(before: set[str]) -> None:
    """Asserts that it comes to that: what another test has just killed is cleared away in a moment."""
    wait_until(lambda: orphans() <= before, "what nobody uses any more is gone")
