# SPDX-License-Identifier: Apache-2.0
"""Asks any library the C tests of the tree that need only the public header.

In lib/tests they run with the library's own objects, under sanitizers and on every processor. Here the same files are
compiled without a library, and use the one under test through LD_PRELOAD. The promises in Python ask much of it again,
on purpose: they say what was expected and seen, can be asked of two builds that meet, and were written independently.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from pathlib import Path

from ...workers.c_sources import LIB, include_folder
from .header import read_header
from .raw import Lacks
from .scene import Scene, Unasked, promise

TESTS = LIB / "tests"
SUPPORT = TESTS / "support"  # what its tests share
SHARED = ("channels", "check", "children", "faults", "frames", "host", "object_bytes", "processes", "signals")
SUITES = (
    "access",
    "arguments",
    "cancel",
    "descriptors",
    "destroy",
    "full",
    "joining",
    "lapped",
    "lifecycle",
    "metadata",
    "names",
    "sizes",
    "threads",
    "two_writers",
    "writing_threads",
)
TIMEOUT_S = 90.0
SKIPPED = 77
PLACE = "libasked.so"
_OPTIONS = ("-O1", "-std=c11", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", "-pthread")


def program(suite: str, folder: Path) -> Path:
    """Compile a suite, which finds all calls in the preloaded library. Raises Unasked."""
    own = folder / suite
    own.mkdir(mode=0o755)
    made = own / suite
    include = [f"-I{TESTS}", f"-I{SUPPORT}", f"-I{include_folder()}"]
    sources = [str(TESTS / f"test_{suite}.c"), *_shared_objects(folder, include)]
    linked = ["-Wl,-z,lazy", f"-Wl,-rpath,{own}", f"-L{own}", "-lasked", "-o", str(made)]
    _make_place(own, "".join(f"void {call}(void) {{}}\n" for call in read_header().calls))
    _compile([*_OPTIONS, *include, *sources, *linked])
    _make_place(own, "typedef int nothing;\n")  # what the library lacks is reported by the loader, at the first call
    return made


def _shared_objects(folder: Path, include: list[str]) -> list[str]:
    """Return the objects of what the suites share; the first suite that needs them compiles them for all."""
    made = folder / "shared"
    with (folder / "shared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            making = folder / f"shared.{os.getpid()}"  # what a suite that was ended has left has another name
            making.mkdir()
            for name in SHARED:
                _compile([*_OPTIONS, *include, "-c", str(SUPPORT / f"{name}.c"), "-o", str(making / f"{name}.o")])
            making.rename(made)
    return [str(made / f"{name}.o") for name in SHARED]


def _make_place(folder: Path, source: str) -> None:
    """Create an empty library under the name that the program needs."""
    file = folder / "place.c"
    file.write_text(source)
    _compile(["-shared", "-fPIC", f"-Wl,-soname,{PLACE}", str(file), "-o", str(folder / PLACE)])


def _compile(options: list[str]) -> None:
    command = [os.environ.get("CC", "cc"), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise Unasked(f"needs a C compiler: {error}") from None
    if done.returncode != 0:
        raise Unasked(f"{command[0]} does not compile it: {done.stderr.strip()[-500:]}")


def run(suite: str, scene: Scene) -> None:
    """Run a suite with the library under test. Raises Unasked or Lacks."""
    command = [str(program(suite, scene.folder))]
    environment = os.environ | {"LD_PRELOAD": str(scene.library.path)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        scene.expect("seconds until its end", f"more than {TIMEOUT_S:g}", f"up to {TIMEOUT_S:g}")
        return
    said = f"{done.stdout}\n{done.stderr}".strip()
    if lacking := re.search(r"undefined symbol: (video_shm_\w+)", said):
        raise Lacks(lacking[1])
    if done.returncode == SKIPPED:
        raise Unasked(said.splitlines()[-1])
    told = [line for line in said.splitlines() if not line.startswith("ok ")]
    scene.expect(f"test_{suite}.c", f"{done.returncode}: {' '.join(told[-6:])}" if done.returncode else 0, 0)


def _enter(suite: str) -> None:
    def play(scene: Scene) -> None:
        run(suite, scene)

    play.__name__ = f"passes_test_{suite}"
    play.__doc__ = f"The library passes all of lib/tests/test_{suite}.c."
    promise(play)


for _suite in SUITES:
    _enter(_suite)
