# SPDX-License-Identifier: Apache-2.0
"""Libraries that are none by themselves: wrappers, archives, programs, and what this host can't load."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from wrappers import LIBRARY, SONAME, compiled, needing, wrapped

pytest.importorskip("scipy", reason="no scipy for this processor")

from hil.environment import child_environment
from hil.gate.asking import ask

VERSION = 'const char *video_shm_version(void) { return "one"; }\n'


def test_whoever_asks_has_loaded_no_library_yet() -> None:
    """Of the same soname, it would be taken for the one that a wrapper needs."""
    program = "import sys, hil.gate.promises, hil.gate.promises.troupe; sys.exit('vshm_ctypes' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env=child_environment())


def test_a_wrapper_is_asked_with_the_library_that_it_needs(tmp_path: Path) -> None:
    """Not with the one of the same soname that is in use here."""
    other = compiled(tmp_path, "other", VERSION, f"-Wl,-soname,{SONAME}")
    (tmp_path / "lib").mkdir()
    needed = Path(shutil.copy(other, tmp_path / "lib" / SONAME))
    wrapper = compiled(tmp_path, "wrapper", "int nothing;\n", *needing(needed))
    (told,) = ask(["tells_its_version"], wrapper).values()
    assert told.broken == ["one is MAJOR.MINOR.PATCH: expected True, seen False"]
    (told,) = ask(["tells_its_version"], wrapped(tmp_path, "int nothing;\n", LIBRARY)).values()
    assert told.broken == []
