# SPDX-License-Identifier: Apache-2.0
"""What an import, and a verb, loads: on a small board that is most of what a short command takes."""

import subprocess
import sys

import pytest
from writers import ROOT

import vshm_ctypes

SLOW = ("typing", "re", "dataclasses", "inspect", "pathlib", "json", "asyncio", "logging", "socket", "argparse")


def loaded(program: str) -> set[str]:
    """Return the modules that a program has loaded at its end, without those of Python's own start and of its site."""
    bare = [sys.executable, "-c", "import sys; print(*sys.modules)"]
    before = subprocess.run(bare, capture_output=True, text=True, check=True).stdout.split()
    told = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n{program}"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    return set(done.stderr.split()) - set(before)


def test_the_binding_loads_nothing_slow() -> None:
    assert not {*SLOW} & loaded("from vshm_ctypes import Consumer, Producer, inspect")


def test_what_few_programs_need_is_loaded_at_its_first_use() -> None:
    light = loaded("import vshm_ctypes")
    assert not {f"vshm_ctypes.{name}" for name in ("log", "matching", "pictures", "producer")} & light
    assert not {"av", "contextlib", "mmap", "numpy", "signal", "threading"} & light
    assert "vshm_ctypes.matching" in loaded("from vshm_ctypes import sync")


WITHOUT = """
import os, sys
sys.modules[sys.argv[1]] = None
from vshm_ctypes import Codec, Pictures, Producer
with Producer(sys.argv[2]) as ring, Pictures(sys.argv[2]) as pictures:
    ring.write(bytes([0, 0, 0, 1, 101]), keyframe=True)
    pictures.read(timeout=10)
"""


@pytest.mark.parametrize("package", ["numpy", "av"])
def test_what_is_missing_for_pictures_is_named_with_what_to_install(ring: str, package: str) -> None:
    pytest.importorskip("numpy")
    done = subprocess.run([sys.executable, "-c", WITHOUT, package, ring], capture_output=True, text=True, check=False)
    advice = "pip install 'video-shm[pictures]'\n"
    assert done.stderr.endswith(f"ModuleNotFoundError: {package} is not installed: {advice}")


@pytest.mark.parametrize(
    "program",
    [
        "from vshm_ctypes import *; Consumers",
        "import pydoc, vshm_ctypes; assert 'class Consumer' in pydoc.plain(pydoc.render_doc(vshm_ctypes))",
        "import unittest.mock, vshm_ctypes; unittest.mock.create_autospec(vshm_ctypes).Consumers",
    ],
)
def test_a_program_that_takes_all_needs_no_package(program: str) -> None:
    program = f"import sys; sys.modules['numpy'] = sys.modules['av'] = None\n{program}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("lack", ["sys.argv = []", "sys.argv = [None]", "del sys.argv", "del sys.modules['__main__']"])
def test_a_program_that_embeds_python_needs_no_command_line(lack: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"import sys; {lack}; import vshm_ctypes"], stderr=-1, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_type_checkers_see_a_name_that_is_misspelt_and_no_other() -> None:
    pytest.importorskip("mypy")
    names = (*vshm_ctypes.__all__, "Picture", "PictureBooks", "Pictures", "Cosumer")
    command = [sys.executable, "-m", "mypy", "--strict", "-c", f"from vshm_ctypes import {', '.join(names)}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    [error, _sum] = done.stdout.splitlines()
    assert '"vshm_ctypes" has no attribute "Cosumer"' in error and "[attr-defined]" in error


RUN = "import runpy; sys.argv = {words}; runpy.run_module('{module}', run_name='__main__', alter_sys=True)"


@pytest.mark.parametrize(
    ("module", "words", "verbs"),
    [
        ("vshm_ctypes", ["vshm", "--help"], set()),
        ("vshm_ctypes", ["vshm", "list", "--help"], {"vshm_ctypes.cli.list"}),
        ("vshm_ctypes", ["vshm", "no-such-verb"], set()),
        ("hil", ["hil", "--help"], set()),
        ("hil", ["hil", "fleet", "--help"], {"hil.cli.farm"}),
    ],
)
def test_only_the_verb_that_is_named_is_loaded(module: str, words: list[str], verbs: set[str]) -> None:
    found = loaded(RUN.format(words=words, module=module))
    package = "vshm_ctypes.cli" if module == "vshm_ctypes" else "hil.cli"
    names = ("list", "show", "watch", "record", "check", "run", "report", "gate", "farm", "bench", "bundle", "export")
    assert {name for name in found if name in {f"{package}.{one}" for one in names}} == verbs
