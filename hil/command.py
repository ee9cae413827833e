# SPDX-License-Identifier: Apache-2.0
"""Another program that is to answer: what it printed, or an error of its last words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandError(RuntimeError):
    """It did not answer in time, or ended badly; the message says which command, and its last line."""


def output_of(
    words: Sequence[str], timeout_s: float, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> str:
    """What the program printed. environment: what differs from ours. folder: where it runs. Raises CommandError."""
    name = " ".join([Path(words[0]).name, *words[1:]])
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            start_new_session=True,  # Ctrl-C is for us
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CommandError(f"{name}: no answer within {timeout_s:g} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or [f"it ended with {done.returncode}"]
        raise CommandError(f"{name}: {last[0]}")
    return done.stdout
