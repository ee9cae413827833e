# SPDX-License-Identifier: Apache-2.0
"""Runs blocks in C with the block worker, on this library and on the bare futex floor with the same calls."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from ..blocks.block import Block, BlockError, build_worker
from ..blocks.block import run_block as run_worker
from ..processes.command import run_to_end
from ..workers.c_sources import LIB, include_folder
from ..workers.programs import loaded_library
from .block import plan_of
from .comparison import Case

HERE = Path(__file__).resolve().parent
FLOOR = LIB / "bench"
OURS, FUTEX_FLOOR = NAMES_IN_C = ("video-shm in C", "futex floor in C")


class InC:
    """Builds worker and floor once, in folder. Raises BlockError if they can't be built."""

    def __init__(self, folder: Path) -> None:
        self._worker = build_worker(folder)
        self.libraries = {OURS: loaded_library(), FUTEX_FLOOR: _build_floor(folder)}

    def run_block(self, peer: str, case: Case, seconds: float) -> Block:
        """Run a block. seconds: at full rate, as many frames are sent as memory could take in that time.

        Raises BlockError.
        """
        block = run_worker(self._worker, self.libraries[peer], plan_of(peer, case, seconds))
        if peer == FUTEX_FLOOR:  # it carries no metadata
            block = dataclasses.replace(
                block, readers=[dataclasses.replace(reader, altered=0) for reader in block.readers]
            )
        return block


def _build_floor(folder: Path) -> Path:
    library = folder / "libfloor.so"
    command = [os.environ.get("CC", "cc"), "-O2", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC"]
    command += [f"-I{FLOOR}", f"-I{include_folder()}", str(HERE / "floor" / "library.c"), str(FLOOR / "floor.c")]
    done = run_to_end([*command, "-o", str(library)])
    if done.returncode != 0:
        raise BlockError(f"the floor does not compile: {done.stderr}")
    return library
