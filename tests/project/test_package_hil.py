# SPDX-License-Identifier: Apache-2.0
"""hil from the wheel alone: outside of any checkout, in an empty folder; and a checkout beside an installed wheel."""

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from lab import Lab, why_not
from packages import run
from writers import BUILD, ROOT

from hil.workers import programs

REQUIREMENTS = {"PYTHONPATH": sysconfig.get_path("purelib")}  # of the extra, as installed for these tests
RUN = ("run", "--camera", "testsrc", "-k", "consumer_without_producer", "--json")
START_ALL = """
import subprocess
from hil.workers.programs import RECIPES, find_program, loaded_library
for name in RECIPES:
    program = find_program(name, loaded_library())
    done = subprocess.run([program, "-?"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode not in (127, 126), done.stderr
    print(name)
"""


def of_run(text: str) -> dict[str, Any]:
    """Return the only test of a run."""
    (session,) = json.loads(text)["sessions"]
    (test,) = session["tests"]
    return dict(test)


def test_every_worker_in_c_is_made_from_the_wheel_and_starts(environment: Path, tmp_path: Path) -> None:
    more = REQUIREMENTS | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    told = run(environment / "python", "-c", START_ALL, cwd=tmp_path, **more)
    assert told.split() == list(programs.RECIPES)


def test_a_suite_runs_in_an_empty_folder(environment: Path, tmp_path: Path) -> None:
    test = of_run(run(environment / "hil", *RUN, cwd=tmp_path, **REQUIREMENTS))
    assert test["verdict"] == "pass", test


def test_without_a_compiler_a_test_that_needs_one_is_skipped(environment: Path, tmp_path: Path) -> None:
    more = REQUIREMENTS | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "CC": "no-such-compiler"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VSHM_")}
    line = [str(environment / "hil"), *RUN]
    done = subprocess.run(line, cwd=tmp_path, env=clean | more, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr  # there was nothing else to run
    test = of_run(done.stdout)
    assert test["outcome"] == "skipped"
    assert "apt install gcc libc6-dev zlib1g-dev" in test["message"]


def test_the_gate_asks_the_library_s_own_tests(environment: Path, tmp_path: Path) -> None:
    library = run(environment / "python", "-c", "import vshm_ctypes as v; print(v.get_library())", cwd=tmp_path).strip()
    words = ("gate", "promise", "passes_test_arguments", "--library", library)
    told = run(environment / "hil", *words, cwd=tmp_path, **REQUIREMENTS)
    assert "needs" not in told


def test_a_fleet_is_commanded_from_the_wheel(environment: Path, wheel: Path, tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VSHM_")}
    (tmp_path / "lab").mkdir()
    (tmp_path / "empty").mkdir()
    with Lab(tmp_path / "lab") as lab:
        words = ("fleet", "--env", lab.farm("a"), "--wheel", wheel, "--json", "--", *RUN[1:-1])
        done = subprocess.run(
            [environment / "hil", *words],
            cwd=tmp_path / "empty",
            env=clean | REQUIREMENTS,
            capture_output=True,
            text=True,
        )
        assert not lab.held
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["target"], row["verdict"], row["problem"]) == ("a", "pass", None)
    assert (tmp_path / "empty" / "report" / "index.html").exists()


@pytest.mark.parametrize("soname", ["libvideo_shm.so", "libother.so.9", ""])
def test_a_worker_finds_the_library_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soname: str
) -> None:
    """A wheel's library has another soname than a system's; one that was built by hand may have none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    library = tmp_path / "named-anyhow.so"
    objects = [str(path) for path in (BUILD / "CMakeFiles/video_shm_objects.dir/src").glob("*.o")]
    named = [f"-Wl,-soname,{soname}"] if soname else []
    subprocess.run(["cc", "-shared", "-pthread", "-o", str(library), *objects, *named], check=True)
    program = programs.find_program("consumer", library)
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    assert f"{soname or library.name} => " in told
    assert "not found" not in told


def test_a_compiler_without_its_headers_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'tape.c:5:10: fatal error: zlib.h: No such file or directory' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CC", str(compiler))
    with pytest.raises(programs.NoToolsError, match=r"zlib\.h: apt install .*zlib1g-dev"):
        programs.find_program("consumer", programs.loaded_library())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Python sources of one, in which nothing was built."""
    folder = tmp_path / "checkout"
    for name in ("vshm_ctypes", "hil"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "lib").mkdir()
    shutil.copy(ROOT / "lib" / "VERSION", folder / "lib")
    return folder


TELL = "import vshm_ctypes as v; print(v.__file__); print(v.get_library())"


def test_a_checkout_does_not_break_what_is_installed(environment: Path, checkout: Path) -> None:
    source, library = run(environment / "python", "-c", TELL, cwd=checkout).split()
    assert Path(source).parent == checkout / "vshm_ctypes"
    assert Path(library).is_relative_to(environment.parent)


def test_a_checkout_uses_what_was_built_in_it(environment: Path, checkout: Path) -> None:
    (checkout / "build").mkdir()
    shutil.copy(BUILD / "libvideo_shm.so", checkout / "build")
    assert run(environment / "python", "-c", TELL, cwd=checkout).split()[1] == f"{checkout}/build/libvideo_shm.so"


def test_a_checkout_in_which_there_is_none_says_how_to_build_one(checkout: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VSHM_", "PYTHON"))}
    done = subprocess.run(
        ["python3", "-S", "-c", TELL], cwd=checkout, env=clean, capture_output=True, text=True, check=False
    )
    assert "cmake -S lib -B build" in done.stderr
