# SPDX-License-Identifier: Apache-2.0
"""The types and codes of the binding against the header, and against the library itself."""

import ctypes
import enum

import pytest
from header import ENUMS, STRUCTS

from vshm_ctypes import Codec, Flag, FrameMeta, Media, Range, RingInfo, State
from vshm_ctypes._library import library
from vshm_ctypes._structs import C_NAMES, Meta, View
from vshm_ctypes.consumer import _POLICIES, _STARTS
from vshm_ctypes.frame import _VIEW
from vshm_ctypes.reservation import pack_meta

KINDS = {
    "const char *": ctypes.c_char_p,
    "const uint8_t *": ctypes.c_void_p,
    "int64_t": ctypes.c_int64,
    "uint8_t": ctypes.c_uint8,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "uint8_t[5]": ctypes.c_uint8 * 5,
    "uint32_t[3]": ctypes.c_uint32 * 3,
    "uint64_t[16]": ctypes.c_uint64 * 16,
    "uint64_t[128]": ctypes.c_uint64 * 128,
    "video_frame_meta_t": Meta,
}


def fields_of(struct: type[ctypes.Structure]) -> dict[str, type]:
    return {field[0]: field[1] for base in reversed(struct.__mro__) for field in base.__dict__.get("_fields_", ())}


def test_every_struct_of_the_header_is_there() -> None:
    assert set(C_NAMES.values()) == set(STRUCTS)


@pytest.mark.parametrize("struct", C_NAMES, ids=lambda struct: struct.__name__)
def test_a_struct_has_the_fields_that_the_header_declares(struct: type[ctypes.Structure]) -> None:
    declared = STRUCTS[C_NAMES[struct]]
    assert list(fields_of(struct).items()) == [(field, KINDS[kind]) for field, kind in declared.items()]


@pytest.mark.parametrize("struct", C_NAMES, ids=lambda struct: struct.__name__)
def test_a_struct_lies_as_the_library_has_it(struct: type[ctypes.Structure]) -> None:
    name = C_NAMES[struct]
    assert library.video_shm_layout(name.encode()) == ctypes.sizeof(struct)
    for field in fields_of(struct):
        if field != "opaque":
            assert library.video_shm_layout(f"{name}.{field}".encode()) == getattr(struct, field).offset, field


def test_what_is_known_of_ring_and_frame_is_all_of_the_structs() -> None:
    assert list(RingInfo._fields) == [field for field in STRUCTS["video_shm_info_t"] if field != "struct_size"]
    assert list(FrameMeta._fields) == list(STRUCTS["video_frame_meta_t"])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Codec, "video_shm_codec"),
        (Media, "video_shm_media"),
        (Flag, "video_shm_flag"),
        (State, "video_shm_state"),
        (Range, "video_shm_range"),
    ],
)
def test_codes_are_those_of_the_header(ours: type[enum.IntEnum], theirs: str) -> None:
    prefix = f"{theirs.upper()}_"
    assert {f"{prefix}{name}": int(code) for name, code in ours.__members__.items()} == ENUMS[theirs]


@pytest.mark.parametrize(("ours", "theirs"), [(_STARTS, "video_shm_start"), (_POLICIES, "video_shm_policy")])
def test_words_stand_for_the_headers_codes(ours: dict[str, int], theirs: str) -> None:
    assert {f"{theirs}_{word}".upper(): code for word, code in ours.items()} == ENUMS[theirs]


def test_metadata_is_packed_as_the_struct_lies() -> None:
    packed = pack_meta(True, 2, 1920, 1080, 60, 1_700_000_000_123, b"abc")
    assert len(packed) == ctypes.sizeof(Meta)
    meta = Meta.from_buffer_copy(packed)
    told = (meta.is_keyframe, meta.codec, meta.width, meta.height, meta.fps, meta.timestamp_ms)
    assert told == (1, 2, 1920, 1080, 60, 1_700_000_000_123)
    assert (meta.size, meta.sequence, bytes(meta.reserved)) == (0, 0, b"abc\0\0")


def test_a_view_is_taken_apart_as_the_struct_lies() -> None:
    view = View()
    assert _VIEW.size <= ctypes.sizeof(View)
    values = iter(range(100, 200))
    for field in ("flags", "data", "offset", "frame", "capture_ns", "publish_ns", "missed_before", "attachment"):
        setattr(view, field, next(values))
    view.meta = Meta(next(values), next(values), next(values), 1, 9, 1920, 1080, 60, (*b"abcde",))
    fields = _VIEW.unpack_from(memoryview(view).cast("B"))
    assert fields[1:] == (*range(100, 111), True, 9, 1920, 1080, 60, b"abcde")
