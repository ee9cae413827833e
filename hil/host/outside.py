# SPDX-License-Identifier: Apache-2.0
"""What others use of the machine around a virtual one: inside they can't be seen, and slow everything all the same."""

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
VARIABLE = "VIDEO_SHM_OUTSIDE"  # for inside: where that file is
EVERY_S = 0.5


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """While in the block, a file in that folder tells what is used out here; the virtual machine is our own child.

    To be entered and left in held().
    """
    folder.mkdir(parents=True, exist_ok=True)
    file, ended = folder / FILE, threading.Event()

    def tell() -> None:
        while True:
            write_whole(file, json.dumps(asdict(foreign_load.read_usage())))  # whoever reads it gets all of it
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
    """What the machine around this one used until now; None: there is none, or nobody tells."""
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    try:
        return Usage(**json.loads(Path(path).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def share(begin: Usage | None) -> float:
    """What others used of all processors out there since begin, 0 to 1; 0 where nobody tells."""
    end = read_usage()
    return foreign_load.share(begin, end) if begin and end else 0.0
