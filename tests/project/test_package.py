# SPDX-License-Identifier: Apache-2.0
"""The distribution as a user gets it: built, installed outside the checkout, and used there."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packages import run
from writers import ROOT, SHARED_MEMORY

FRAMES = 100
WRITER = """
import sys
from vshm_ctypes import Producer
with Producer(sys.argv[1]) as ring:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(sys.argv[2])):
        assert ring.write(bytes([number]) * 1000, keyframe=number == 0)
        sys.stdin.readline()
"""
READER = """
import sys
from vshm_ctypes import Consumer
with Consumer(sys.argv[1]) as stream:
    print("ready", flush=True)
    for number, frame in enumerate(stream):
        assert frame.data == bytes([number]) * 1000, number
        print(number, flush=True)
"""
C_PROGRAM = """
#include <stdio.h>
#include <video_shm.h>
int main(void) { return puts(video_shm_version()) < 0; }
"""


@pytest.mark.parametrize("name", ["video, shm 'new'", "#1 $HOME $x ü&(c)[d]%", "/".join(["long" * 50] * 9)])
def test_the_library_builds_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    shutil.copytree(ROOT / "lib", folder / "lib")
    options = ("-DBUILD_TESTING=OFF", "-DVIDEO_SHM_BENCH=OFF")
    run("cmake", "-S", folder / "lib", "-B", folder / "build", *options, cwd=tmp_path)
    run("cmake", "--build", folder / "build", cwd=tmp_path)
    assert (folder / "build" / "libvideo_shm.so").exists()


@pytest.mark.parametrize("name", ["one;two", 'a "name"', "a|b", "$(date)"])
def test_a_folder_that_cmake_can_not_build_in_is_named(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    shutil.copytree(ROOT / "lib", folder / "lib")
    command = ["cmake", "-S", str(folder / "lib"), "-B", str(folder / "build")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "rename it" in " ".join(result.stderr.split())


@pytest.fixture
def ring() -> Iterator[str]:
    name = f"/vshm_pytest_package_{os.getpid()}"
    yield name
    (SHARED_MEMORY / name[1:]).unlink(missing_ok=True)


def test_the_wheel_fits_every_python_of_its_processor(wheel: Path) -> None:
    assert wheel.name.endswith(f"-py3-none-linux_{platform.machine()}.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for wanted in ("lib/libvideo_shm.so", "lib/pkgconfig/video_shm.pc", "include/video_shm.h", "py.typed"):
        assert f"vshm_ctypes/{wanted}" in names
    assert [name for name in names if ".so" in name] == ["vshm_ctypes/lib/libvideo_shm.so"]
    assert {name.partition("/")[0] for name in names} == {
        "hil",
        "vshm_ctypes",
        f"video_shm-{wheel.name.split('-')[1]}.dist-info",
    }


def test_it_needs_nothing_else(environment: Path, tmp_path: Path) -> None:
    assert "Requires:\n" in run(environment / "pip", "show", "video-shm", cwd=tmp_path).replace(
        "Requires: \n", "Requires:\n"
    )


def test_a_hundred_frames_go_from_one_process_to_another(environment: Path, tmp_path: Path, ring: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VSHM_", "PYTHON"))}

    def start(program: str, *words: str) -> "subprocess.Popen[str]":
        command = [str(environment / "python"), "-c", program, ring, *words]
        return subprocess.Popen(
            command, cwd=tmp_path, env=clean, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    with start(WRITER, str(FRAMES)) as writer:
        assert writer.stdout is not None and writer.stdin is not None
        assert writer.stdout.readline() == "ready\n"
        with start(READER) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
            print(file=writer.stdin, flush=True)
            for number in range(FRAMES):
                assert reader.stdout.readline() == f"{number}\n"
                print(file=writer.stdin, flush=True)
            assert reader.wait(60) == 0
        assert writer.wait(60) == 0


def test_its_command_works(environment: Path, tmp_path: Path) -> None:
    assert run(environment / "vshm", "--version", cwd=tmp_path).startswith("vshm 1.")
    listed = subprocess.run([environment / "vshm", "list", "--json"], capture_output=True, text=True, check=False)
    assert listed.returncode in (0, 3)
    assert "rings" in json.loads(listed.stdout)


def test_a_c_program_is_built_against_it(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "program.c").write_text(C_PROGRAM)
    tell = "import vshm_ctypes as v; print(v.get_include()); print(v.get_library())"
    include, library = run(environment / "python", "-c", tell, cwd=tmp_path).split()
    folder = Path(library).parent
    flags = run("pkg-config", "--cflags", "--libs", "video_shm", cwd=tmp_path, PKG_CONFIG_PATH=f"{folder}/pkgconfig")
    assert f"-I{include}" in flags.replace("/lib/pkgconfig/../..", "")
    run("cc", "-o", "program", "program.c", *flags.split(), f"-Wl,-rpath,{folder}", cwd=tmp_path)
    assert run(tmp_path / "program", cwd=tmp_path) == f"{(ROOT / 'lib' / 'VERSION').read_text().split()[0]}\n"


def test_a_source_archive_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    build = f"import scikit_build_core.build as b; print(b.build_sdist({str(tmp_path)!r}))"
    archive = tmp_path / run(sys.executable, "-c", build, cwd=ROOT).split()[-1]
    with tarfile.open(archive) as opened:
        names = opened.getnames()
    assert not [name for name in names if "/.venv" in name or "/build" in name]
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", archive, cwd=tmp_path)
    (again,) = tmp_path.glob("*.whl")
    assert again.name == wheel.name
    assert zipfile.ZipFile(again).namelist() == zipfile.ZipFile(wheel).namelist()


def test_an_editable_install_shows_the_checkout(tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "editable", cwd=tmp_path)
    python = tmp_path / "editable" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-deps", "-e", ROOT, cwd=tmp_path)
    tell = "import vshm_ctypes.rings as r, vshm_ctypes as v; print(r.__file__, v.get_library())"
    source, library = run(python, "-c", tell, cwd=tmp_path).split()
    assert Path(source) == ROOT / "vshm_ctypes" / "rings.py"
    assert library.endswith("libvideo_shm.so")
