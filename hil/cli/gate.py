# SPDX-License-Identifier: Apache-2.0
"""hil gate decides whether one build of the C library is worse than another."""

from __future__ import annotations

from argparse import Namespace

from ..gate.arguments import add_arguments

__all__ = ["add_arguments", "run"]


def run(arguments: Namespace) -> int:
    """Run the verb.

    Returns 0 without a regression, 1 with one, 3 if undecided, in which case it says what time it needs.
    """
    from ..gate.main import run as compare  # its statistics take a second to load

    return compare(arguments)
