# SPDX-License-Identifier: Apache-2.0
"""The tables of the binding against the header, and against the library itself."""

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from writers import ROOT

from vshm_ctypes import LibraryError, Producer, _prototypes, get_library
from vshm_ctypes._library import library, load
from vshm_ctypes._prototypes import PROTOTYPES, Prototype
from vshm_ctypes._structs import C_NAMES, Meta, View
from vshm_ctypes.consumer import _VIEW
from vshm_ctypes.producer import _pack_meta

HEADER = (ROOT / "lib" / "include" / "video_shm.h").read_text()
CODE = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
DECLARATIONS = {
    name: (result.strip(), [part.strip() for part in arguments.split(",")])
    for result, name, arguments in re.findall(
        r"^([a-z][\w ]*[ *])(video_shm_\w+)\(([^()]*)\);", CODE, flags=re.MULTILINE
    )
}
RESULTS = {"int": ctypes.c_int, "void": None, "const char *": ctypes.c_char_p, "int64_t": ctypes.c_int64}
SCALARS = {"int": ctypes.c_int, "uint32_t": ctypes.c_uint32}


def test_every_call_of_the_header_has_a_row_and_none_is_made_up() -> None:
    assert len(DECLARATIONS) > 20
    assert {row.name for row in PROTOTYPES} == set(DECLARATIONS)


@pytest.mark.parametrize("row", PROTOTYPES, ids=lambda row: row.name)
def test_a_row_is_what_the_header_declares(row: Prototype) -> None:
    result, arguments = DECLARATIONS[row.name]
    assert row.result is RESULTS[result]
    expected = [] if arguments == ["void"] else arguments
    assert len(row.arguments) == len(expected)
    for argument, declared in zip(row.arguments, expected, strict=True):
        kind = declared.rpartition(" ")[0]
        if "*" not in declared and kind in SCALARS:
            assert argument is SCALARS[kind], declared
    # A call that can fail says so with -1: it must not be taken for a result.
    fails = result == "int"
    assert (row.check is not None) == fails


def test_the_library_exports_the_rows() -> None:
    listing = subprocess.run(["nm", "-D", "--defined-only", get_library()], capture_output=True, text=True, check=True)
    exported = {line.split()[-1].partition("@")[0] for line in listing.stdout.splitlines()}
    assert {row.name for row in PROTOTYPES} <= exported


@pytest.mark.parametrize("struct", C_NAMES, ids=lambda struct: struct.__name__)
def test_a_struct_lies_as_the_library_has_it(struct: type[ctypes.Structure]) -> None:
    name = C_NAMES[struct]
    assert library.video_shm_layout(name.encode()) == ctypes.sizeof(struct)
    for base in reversed(struct.__mro__):
        for field, *_ in base.__dict__.get("_fields_", ()):
            if field != "opaque":
                assert library.video_shm_layout(f"{name}.{field}".encode()) == getattr(struct, field).offset, field


def test_a_library_that_is_none_of_ours_is_refused_by_name() -> None:
    with pytest.raises(LibraryError, match=r"libc\.so\.6 has no video_shm_producer_init"):
        load("libc.so.6")
    with pytest.raises(LibraryError, match="VSHM_LIBRARY"):
        load("/nowhere/libvideo_shm.so")


def test_metadata_is_packed_as_the_struct_lies() -> None:
    packed = _pack_meta(True, 2, 1920, 1080, 60, 1_700_000_000_123)
    assert len(packed) == ctypes.sizeof(Meta)
    meta = Meta.from_buffer_copy(packed)
    told = (meta.is_keyframe, meta.codec, meta.width, meta.height, meta.fps, meta.timestamp_ms)
    assert told == (1, 2, 1920, 1080, 60, 1_700_000_000_123)
    assert (meta.size, meta.sequence, bytes(meta.reserved)) == (0, 0, bytes(5))


def test_a_view_is_taken_apart_as_the_struct_lies() -> None:
    view = View()
    assert _VIEW.size <= ctypes.sizeof(View)
    values = iter(range(100, 200))
    for field in ("flags", "data", "offset", "frame", "capture_ns", "publish_ns", "missed_before", "attachment"):
        setattr(view, field, next(values))
    view.meta = Meta(next(values), next(values), next(values), 1, 109 - 100, 110, 111, 112)
    fields = _VIEW.unpack_from(memoryview(view).cast("B"))
    assert fields[1:] == (*range(100, 111), True, 9, 110, 111, 112)


@pytest.mark.parametrize(
    "wrong", [{"codec": 256}, {"codec": -1}, {"width": 65536}, {"height": -1}, {"fps": 256}, {"timestamp_ms": -1}]
)
def test_metadata_that_does_not_fit_is_refused_by_name(ring: str, wrong: dict[str, Any]) -> None:
    with Producer(ring) as producer, pytest.raises(ValueError, match=next(iter(wrong))):
        producer.write(b"x", **wrong)


# ---- libraries of another age ----


def stub(folder: Path, version: str, layout: int = -1, without: str = "") -> str:
    """A library with all calls, which tells that version and has every field at that offset."""
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
    with pytest.raises(LibraryError, match="other ABI"):
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
