# SPDX-License-Identifier: Apache-2.0
"""What hil's exit codes mean."""

from __future__ import annotations

import enum

from .verdict import Verdict


class Exit(enum.IntEnum):
    """The same for all verbs."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INVALID = 3
    NO_CAMERA = 4
    INTERRUPTED = 130  # as a shell has it for Ctrl-C


def exit_for(verdict: Verdict | None) -> Exit:
    """What a run ends with. None: not a single test ran, as without a camera."""
    codes = {Verdict.PASS: Exit.PASS, Verdict.FAIL: Exit.FAIL, Verdict.INVALID: Exit.INVALID}
    return Exit.NO_CAMERA if verdict is None else codes[verdict]
