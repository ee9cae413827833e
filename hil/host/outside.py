# SPDX-License-Identifier: Apache-2.0
"""Tells a virtual machine how busy the machine around it is, which can't be seen inside but slows everything."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from vshm_ctypes.commandline.atomic_file import write_whole

from . import foreign_load
from .foreign_load import Usage

FILE = "outside.json"
VARIABLE = "VIDEO_SHM_OUTSIDE"  # set inside the virtual machine to the path of that file
EVERY_S = 0.5


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """During the block, keep a file in that folder up to date with the usage of this machine, whose child the guest is.

    It must be entered and left within held().
    """
    folder.mkdir(parents=True, exist_ok=True)
    file, ended = folder / FILE, threading.Event()

    def tell() -> None:
        while True:
            write_whole(file, json.dumps(asdict(foreign_load.read_usage())))  # so that readers get all of it
            if ended.wait(EVERY_S):
                return

    thread = threading.Thread(target=tell, name="outside", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        file.unlink(missing_ok=True)


def read_usage() -> Usage | None:
    """Return the usage of the machine around this one until now, or None if there is none or it does not tell."""
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    try:
        return Usage(**json.loads(Path(path).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def share(begin: Usage | None) -> float:
    """Return other programs' share of all processors out there since begin, 0 to 1, or 0 if unknown."""
    end = read_usage()
    return foreign_load.share(begin, end) if begin and end else 0.0
