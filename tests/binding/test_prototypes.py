# SPDX-License-Identifier: Apache-2.0
"""The table of calls against the header, and against the library itself; which libraries are refused."""

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from header import DECLARATIONS

from vshm_ctypes import LibraryError, Producer, _prototypes, get_library
from vshm_ctypes._library import SONAME, load
from vshm_ctypes._prototypes import PROTOTYPES, LogCallback, Prototype
from vshm_ctypes._structs import C_NAMES

STRUCTS = {name: struct for struct, name in C_NAMES.items()}
KINDS: dict[str, Any] = {
    "void": None,
    "int": ctypes.c_int,
    "int64_t": ctypes.c_int64,
    "uint8_t": ctypes.c_uint8,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "video_shm_log_t": LogCallback,
} | STRUCTS


def kind_of(declared: str) -> Any:
    """Return the ctypes type for a C type."""
    kind = declared.removeprefix("const ").removesuffix("const").strip()
    if not kind.endswith("*"):
        return KINDS[kind]
    strings = {"char *": ctypes.c_char_p, "void *": ctypes.c_void_p}
    return strings.get(kind) or ctypes.POINTER(kind_of(kind.removesuffix("*").strip()))


def test_every_call_of_the_header_has_a_row_and_none_is_made_up() -> None:
    assert len(DECLARATIONS) > 20
    assert [row.name for row in PROTOTYPES] == list(DECLARATIONS)


@pytest.mark.parametrize("row", PROTOTYPES, ids=lambda row: row.name)
def test_a_row_is_what_the_header_declares(row: Prototype) -> None:
    declaration = DECLARATIONS[row.name]
    assert row.result is kind_of(declaration.result)
    assert len(row.arguments) == len(declaration.arguments)
    for argument, declared in zip(row.arguments, declaration.arguments, strict=True):
        # Payload is wherever the caller has it, not only in arrays of c_uint8.
        any_address = argument is ctypes.c_void_p and declared.removeprefix("const ") == "uint8_t *"
        assert any_address or argument is kind_of(declared), declared
    # A call that can fail says so with -1: it must not be taken for a result.
    assert (row.check is not None) == (declaration.result == "int")


def test_the_declaration_stands_above_each_row() -> None:
    """So that a review against the header is a look at two lines."""
    above = re.findall(r"((?:    # .*\n)+)    Prototype\(\s*\"(\w+)\"", Path(_prototypes.__file__).read_text())
    told = {name: " ".join(comment.replace("# ", "").split()) for comment, name in above}
    assert told == {name: declaration.text for name, declaration in DECLARATIONS.items()}


def test_the_library_exports_the_rows_since_the_versions_that_they_tell() -> None:
    listing = subprocess.run(["nm", "-D", "--defined-only", get_library()], capture_output=True, text=True, check=True)
    exported = dict(re.findall(r" T (video_shm_\w+)@@VIDEO_SHM_([\d.]+)$", listing.stdout, flags=re.MULTILINE))
    assert {row.name: ".".join(map(str, row.since)) for row in PROTOTYPES} == exported


def test_a_library_that_is_none_of_ours_is_refused_by_name() -> None:
    with pytest.raises(LibraryError, match=r"libc\.so\.6 has no video_shm_producer_init"):
        load("libc.so.6")
    with pytest.raises(LibraryError, match="VSHM_LIBRARY"):
        load("/nowhere/libvideo_shm.so")


@pytest.mark.parametrize(
    "wrong", [{"codec": 256}, {"codec": -1}, {"width": 65536}, {"height": -1}, {"fps": 256}, {"timestamp_ms": -1}]
)
def test_metadata_that_does_not_fit_is_refused_by_name(ring: str, wrong: dict[str, Any]) -> None:
    with Producer(ring) as producer, pytest.raises(ValueError, match=next(iter(wrong))):
        producer.write(b"x", **wrong)


# ---- libraries of another age ----


def stub(folder: Path, version: str, layout: int = -1, without: str = "") -> str:
    """Return a library with all calls, which has that version, and every field at that offset."""
    lines = [f"long video_shm_layout(void) {{ return {layout}; }}"]
    lines.append(f'const char *video_shm_version(void) {{ return "{version}"; }}')
    given = {"video_shm_layout", "video_shm_version", without}
    lines += [f"int {row.name}(void) {{ return 0; }}" for row in PROTOTYPES if row.name not in given]
    source, path = folder / "stub.c", folder / "libstub.so"
    source.write_text("\n".join(lines))
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, source], check=True)
    return str(path)


def test_a_library_of_another_abi_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"is version 2\.0\.0; this binding needs 1\.x"):
        load(stub(tmp_path, "2.0.0"))


def test_a_library_whose_fields_lie_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="another ABI"):
        load(stub(tmp_path, "1.9.0", layout=3))


def test_a_missing_call_of_the_first_version_fails_at_import_with_the_path(tmp_path: Path) -> None:
    path = stub(tmp_path, "1.0.0", without="video_shm_consumer_acquire")
    with pytest.raises(LibraryError, match=f"{path} has no video_shm_consumer_acquire"):
        load(path)


def test_a_missing_newer_call_fails_when_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = Prototype("video_shm_newer", (1, 7), ctypes.c_int, ())
    monkeypatch.setattr(_prototypes, "PROTOTYPES", (*PROTOTYPES, newer))
    older = load(stub(tmp_path, "1.0.0"))
    with pytest.raises(LibraryError, match=r"has no video_shm_newer: it needs version 1\.7"):
        older.video_shm_newer()


def test_the_environment_chooses_the_library(tmp_path: Path) -> None:
    path = stub(tmp_path, "2.0.0")
    command = [sys.executable, "-c", "import vshm_ctypes"]
    environment = os.environ | {"VSHM_LIBRARY": path}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert path in result.stderr


def test_a_library_of_the_systems_is_told_by_its_path(tmp_path: Path) -> None:
    """C programs link with the path of the library that the loader found by its name."""
    folder = tmp_path / "system"
    folder.mkdir()
    (folder / SONAME).symlink_to(Path(get_library()).resolve())
    environment = os.environ | {"VSHM_LIBRARY": SONAME, "LD_LIBRARY_PATH": str(folder)}
    command = [sys.executable, "-c", "import vshm_ctypes; print(vshm_ctypes.get_library())"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    assert Path(told).is_absolute()
    assert Path(told).samefile(get_library())


def test_a_library_that_is_named_from_a_folder_is_found_from_any() -> None:
    library = Path(get_library())
    environment = os.environ | {"VSHM_LIBRARY": f"./{library.name}"}
    command = [sys.executable, "-c", "import os, vshm_ctypes; os.chdir('/'); print(vshm_ctypes.get_library())"]
    told = subprocess.run(
        command, cwd=library.parent, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert Path(told.strip()).is_absolute()
    assert Path(told.strip()).samefile(library)
