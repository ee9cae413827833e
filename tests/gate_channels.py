# SPDX-License-Identifier: Apache-2.0
"""Which of the gate's channels nobody can be using any more."""

import re
from pathlib import Path

from hil.gate.stage import channels_of


def orphaned(name: str) -> bool:
    """Whether an object in shared memory is of a channel of the gate whose process is gone."""
    channel = re.fullmatch(r".*_ch([1-9]\d{7,})", name)
    first = channels_of(0)
    return channel is not None and not Path(f"/proc/{(int(channel[1]) - first[0]) // len(first)}").exists()
