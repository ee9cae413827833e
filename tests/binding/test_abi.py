# SPDX-License-Identifier: Apache-2.0
"""The binary interface: what was released stays, and programs that were built against it go on working."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from releases import newest_release
from writers import BUILD, ROOT

from vshm_ctypes._prototypes import PROTOTYPES

RELEASED = ROOT / "ci" / "abi"
HEADER = ROOT / "lib" / "include" / "video_shm.h"
MAP = ROOT / "lib" / "src" / "video_shm.map"
CONSTANT = re.compile(r"^(?:#define|\t)? ?(VIDEO_SHM_\w+) (?:= )?(\"[^\"]*\"|[\w()* ]*[\w)])", re.MULTILINE)
NEEDS_1_1 = """
#include <video_shm.h>
int main(void) { uint64_t offset; return video_shm_producer_descriptor(0, &offset) != -1; }
"""


def version_of(text: str) -> tuple[int, int]:
    major, minor, *_ = text.split(".")
    return int(major), int(minor)


def nodes(script: str) -> dict[tuple[int, int], str]:
    """Return {version: the text of its node}."""
    found = re.findall(r"^VIDEO_SHM_([\d.]+) \{\n(.*?\}[^;]*;)", script, re.DOTALL | re.MULTILINE)
    return {version_of(version): text for version, text in found}


def run(*command: object, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | more
    words = [str(word) for word in command]
    return subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def made(*command: object) -> None:
    result = run(*command)
    assert result.returncode == 0, result.stderr


# ---- what was released ----


def test_the_map_is_append_only() -> None:
    released, now = nodes((RELEASED / "video_shm.map").read_text()), nodes(MAP.read_text())
    assert now.items() >= released.items()
    newest = version_of(newest_release((ROOT / "CHANGELOG.md").read_text()))
    assert {version for version in now if version <= newest} == set(released), "a release puts its map into ci/abi"
    assert max(now) <= version_of((ROOT / "lib" / "VERSION").read_text())


def test_a_call_is_of_the_version_that_the_map_has_it_in() -> None:
    told = {name: version for version, text in nodes(MAP.read_text()).items() for name in re.findall(r"\t(\w+);", text)}
    assert {row.name: row.since for row in PROTOTYPES} == told


def test_constants_keep_their_values() -> None:
    released, now = (dict(CONSTANT.findall(path.read_text())) for path in (RELEASED / "video_shm.h", HEADER))
    assert released["VIDEO_SHM_MAGIC"] == "0x56494445" and released["VIDEO_SHM_CODEC_OPUS"] == "66"
    assert now.items() >= released.items()


@pytest.mark.parametrize(("kept", "path"), [("video_shm.h", "lib/include"), ("video_shm.map", "lib/src")])
def test_what_is_kept_is_what_the_release_had(kept: str, path: str) -> None:
    tag = f"v{newest_release((ROOT / 'CHANGELOG.md').read_text())}"
    shown = run("git", "show", f"{tag}:{path}/{kept}")
    if shown.returncode != 0:
        pytest.skip(f"there is no tag {tag} here: git fetch --tags --unshallow")
    assert (RELEASED / kept).read_text() == shown.stdout


# ---- abidiff ----


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As of a build: it tells which compiler made it."""
    if shutil.which("abidiff") is None:
        pytest.skip("needs abidiff: apt install abigail-tools")
    told = tmp_path / "CMakeFiles" / "4.0" / "CMakeCCompiler.cmake"
    told.parent.mkdir(parents=True)
    told.write_text('set(CMAKE_C_COMPILER "cc")\n')
    return tmp_path


def checked(folder: Path, header: str, script: str) -> "subprocess.CompletedProcess[str]":
    """Return what ci/check-abi says of a library with that header and map."""
    (folder / "video_shm.h").write_text(header)
    (folder / "video_shm.map").write_text(script)
    made(RELEASED / "stand-in", folder / "video_shm.h", folder / "video_shm.map", folder / "libvideo_shm.so")
    return run("ci/check-abi", folder)


def test_additions_are_no_break(folder: Path) -> None:
    header = HEADER.read_text().replace(
        "} video_shm_info_t;", "\tuint64_t one_more;\n} video_shm_info_t;\nint video_shm_one_more(void);"
    )
    script = MAP.read_text().replace("\tvideo_shm_producer_descriptor;", "\tvideo_shm_one_more;")
    result = checked(folder, header, script)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("uint32_t size;         /* bytes of payload; set by the library */", "uint64_t size;"),
        ("uint64_t opaque[128];", "uint64_t opaque[129];"),
        ("uint32_t mode, uid, gid;", "uint32_t mode, more, uid, gid;"),
        ("int video_shm_consumer_init_channel(", "int64_t video_shm_consumer_init_channel("),
        ("const uint8_t *data, uint32_t size,", "const uint8_t *data, uint64_t size,"),
        ("int video_shm_inspect(const char *name, video_shm_info_t *info);", ""),
    ],
)
def test_a_break_is_found(folder: Path, before: str, after: str) -> None:
    header = HEADER.read_text()
    assert before in header
    result = checked(folder, header.replace(before, after), MAP.read_text())
    assert result.returncode == 1, result.stdout
    assert "needs a new major version" in result.stderr


def test_a_call_that_moves_to_another_version_is_found(folder: Path) -> None:
    script = (
        MAP.read_text()
        .replace("\tvideo_shm_inspect;\n", "")
        .replace("\tvideo_shm_producer_descriptor;", "\tvideo_shm_producer_descriptor;\n\tvideo_shm_inspect;")
    )
    assert checked(folder, HEADER.read_text(), script).returncode == 1


# ---- programs ----


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder with what a machine with version 1.0 has."""
    folder = tmp_path / "release"
    folder.mkdir()
    library = folder / "libvideo_shm.so.1"
    made(RELEASED / "stand-in", RELEASED / "video_shm.h", RELEASED / "video_shm.map", library)
    (folder / "libvideo_shm.so").symlink_to(library.name)
    return folder


def test_a_program_of_the_first_release_runs(release: Path, tmp_path: Path) -> None:
    source = ROOT / "lib" / "tests" / "install" / "user" / "user.c"
    program = tmp_path / "user"
    made("cc", "-Werror", "-D_DEFAULT_SOURCE", f"-I{RELEASED}", source, f"-L{release}", "-lvideo_shm", "-o", program)
    assert "VIDEO_SHM_1.1" not in run("readelf", "-V", program).stdout
    result = run(program, LD_LIBRARY_PATH=str(BUILD))
    assert (result.returncode, result.stdout) == (0, (ROOT / "lib" / "VERSION").read_text()), result.stderr


def test_a_program_that_needs_more_is_refused_by_the_first_release(release: Path, tmp_path: Path) -> None:
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text(NEEDS_1_1)
    made("cc", f"-I{HEADER.parent}", source, f"-L{BUILD}", "-lvideo_shm", "-o", program)
    assert run(program, LD_LIBRARY_PATH=str(BUILD)).returncode == 0
    refused = run(program, LD_LIBRARY_PATH=str(release), LC_ALL="C")
    assert refused.returncode != 0
    assert "version `VIDEO_SHM_1.1' not found" in refused.stderr
