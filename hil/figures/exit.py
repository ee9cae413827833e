# SPDX-License-Identifier: Apache-2.0
"""The exit codes of hil."""

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
    INTERRUPTED = 130  # as a shell reports Ctrl-C


def exit_for(verdict: Verdict | None) -> Exit:
    """Return the exit code for the verdict of a run, which is None if no test ran, for instance without a camera."""
    codes = {Verdict.PASS: Exit.PASS, Verdict.FAIL: Exit.FAIL, Verdict.INVALID: Exit.INVALID}
    return Exit.NO_CAMERA if verdict is None else codes[verdict]
