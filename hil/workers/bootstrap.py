# SPDX-License-Identifier: Apache-2.0
"""Starts a Python worker in a process forked from a warm interpreter that has not loaded the library."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence


def run(module: str, words: Sequence[str], out: str, errors: str, group: int, environment: Mapping[str, str]) -> None:
    """Run main() of a module as a program, in that process group and with its output in files."""
    os.setpgid(0, group)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for path, descriptor in ((out, 1), (errors, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, descriptor)
        os.close(file)
    os.environ.update(environment)
    sys.argv = [module, *words]
    sys.exit(importlib.import_module(module).main(list(words)))
