# SPDX-License-Identifier: Apache-2.0
"""Where the library is looked for when no wheel is unpacked around the program: frozen, zipped, elsewhere installed."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from ctypes.util import find_library
from pathlib import Path

import pytest
from far_sides import free_port, listening_ffprobe, told_packets, wait_for_port
from packages import made_once, run
from writers import BUILD, ROOT

from vshm_ctypes import LibraryError
from vshm_ctypes._library import load

PROGRAM = """
import importlib.resources, os, subprocess, sys
from vshm_ctypes import Consumer, Producer, get_library
from vshm_ctypes.cli.main import main
from vshm_ctypes.commandline.own_module import own_module
with Producer(sys.argv[1]) as writer, Consumer(sys.argv[1]) as reader:
    assert writer.write(b"frame", keyframe=True)
    print(next(iter(reader)).data, get_library())
given = importlib.resources.files("vshm_ctypes.cli")
print(
    sorted(file.name for file in given.joinpath("web", "static").iterdir()),
    (given / "bundle" / "page.html").is_file(),
)
muxer = own_module("vshm_ctypes.cli.publish.muxer", str(os.getpid()))  # this program itself, with PyAV left out of it
print(subprocess.run(muxer, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr)
raise SystemExit(main(["export", "--dashboard"]))
"""
LARGE = (
    "PIL",
    "aiohttp",
    "av",
    "cv2",
    "jinja2",
    "matplotlib",
    "numpy",
    "pygments",
    "pytest",
    "rich",
    "scipy",
    "setuptools",
)
TELL = "import vshm_ctypes; print(vshm_ctypes.get_library())"


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel is installed into, by pip --target."""

    def install(folder: Path) -> None:
        options = ("-q", "--no-index", "--no-deps", "-t", folder)
        run(sys.executable, "-m", "pip", "install", *options, wheel, cwd=folder)

    return made_once(tmp_path_factory, "installed", install)


IS_LONG = bool(os.environ.get("VIDEO_SHM_LONG"))
FORMS = ["--onefile", "--onedir"] if IS_LONG else ["--onefile"]


def freeze(program: str, installed: Path, folder: Path, form: str, left_out: Sequence[str]) -> Path:
    """Freeze a program, and return its path."""
    if importlib.util.find_spec("PyInstaller") is None:
        pytest.skip("needs PyInstaller: pip install pyinstaller")
    if find_library(f"python{sysconfig.get_python_version()}") is None:
        pytest.skip("needs Python as a library: apt-get install libpython3-dev")
    (folder / "program.py").write_text(program)
    words = [word for name in left_out for word in ("--exclude-module", name)]
    command = (sys.executable, "-m", "PyInstaller", "--log-level=ERROR", form, *words, "program.py")
    run(*command, cwd=folder, PYTHONPATH=str(installed), PYINSTALLER_CONFIG_DIR=str(folder / "cache"))
    made = folder / "dist" / "program"
    return made if form == "--onefile" else made / "program"


@pytest.mark.parametrize("form", FORMS)
def test_a_frozen_program_has_the_library_and_the_command(
    installed: Path, tmp_path: Path, ring: str, form: str
) -> None:
    told = run(freeze(PROGRAM, installed, tmp_path, form, LARGE), ring, cwd=Path("/"))
    assert told.startswith("b'frame' /") and "Video rings" in told
    files = sorted(one.name for one in (ROOT / "vshm_ctypes/cli/web/static").iterdir())
    assert f"{files} True\n" in told
    assert "No module named 'av'" in told
    assert str(installed) not in told and str(ROOT) not in told.splitlines()[0].partition(" ")[2]


@pytest.mark.skipif(not IS_LONG, reason="takes a minute: VIDEO_SHM_LONG=1, or ci/full")
def test_a_frozen_command_serves_its_page_and_draws_all_its_pictures(
    installed: Path, tmp_path: Path, ring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("aiohttp", "jinja2", "matplotlib"):
        pytest.importorskip(name)
    import serving

    command = "import sys; from vshm_ctypes.cli.main import main; sys.exit(main())"
    program = freeze(command, installed, tmp_path, "--onedir", ("cv2", "pytest", "scipy", "setuptools"))
    monkeypatch.setattr(serving, "SERVE", [str(program), "serve", "--port", "0"])
    with serving.serving() as server:
        for path in ("/", *(f"/static/{one.name}" for one in (ROOT / "vshm_ctypes/cli/web/static").iterdir())):
            assert serving.status(server.url(path)) == 200
    with serving.camera(ring):
        port, told = free_port(), tmp_path / "told"
        with listening_ffprobe(f"tcp://127.0.0.1:{port}?listen=1", told):
            wait_for_port(port)
            run(program, "publish", ring, f"tcp://127.0.0.1:{port}", "-t", "3", cwd=tmp_path)
        assert told_packets(told.read_text())
        watch = [str(program), "watch", ring, "-t", "2", "--log", "log"]
        subprocess.run(watch, cwd=tmp_path, check=False)  # what it found does not matter here
        run(program, "bundle", "--seconds", "1", "-o", "case.tar.zst", cwd=tmp_path)
    run(program, "bundle", "--open", "case.tar.zst", cwd=tmp_path)
    for kind in ("svg", "png", "html"):
        run(program, "plot", "log", "-o", f"log.{kind}", cwd=tmp_path)
    assert ring in (tmp_path / "case.tar.zst.html").read_text()
    assert "<svg" in (tmp_path / "log.html").read_text()


@pytest.mark.parametrize("options", [["-OO"], ["-I"], ["-I", "-S"]])
def test_the_library_is_found_however_python_is_started(installed: Path, tmp_path: Path, options: list[str]) -> None:
    program = f"import sys; sys.path.insert(0, {str(installed)!r}); {TELL}"
    told = run(sys.executable, *options, "-c", program, cwd=tmp_path)
    assert told.strip() == str(installed / "vshm_ctypes" / "lib" / "libvideo_shm.so")


def test_a_library_inside_an_archive_is_refused_with_what_to_do(wheel: Path, tmp_path: Path) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(wheel)!r})
try:
    import vshm_ctypes
except OSError as error:
    print(error)
"""
    assert "inside an archive: unpack it" in run(sys.executable, "-S", "-c", program, cwd=tmp_path)


def test_a_program_frozen_without_the_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys.modules["vshm_ctypes"], "__path__", ["/nothing/there"])
    with pytest.raises(LibraryError, match="frozen without the library"):
        load("libvideo_shm.so.none")


def test_a_library_of_another_processor_is_refused_with_what_to_do(tmp_path: Path) -> None:
    image = bytearray((BUILD / "libvideo_shm.so").read_bytes())
    image[18] ^= 0xFF  # e_machine
    (tmp_path / "libvideo_shm.so").write_bytes(image)
    with pytest.raises(LibraryError, match=r"another processor or system.*install the wheel on this machine"):
        load(str(tmp_path / "libvideo_shm.so"))
