# SPDX-License-Identifier: Apache-2.0
"""Programs that were compiled with the header of one build, and run with the library of another."""

from dataclasses import replace
from pathlib import Path

import pytest
from writers import BUILD, ROOT

pytest.importorskip("scipy", reason="no scipy for this processor")

from hil.gate.asking import ask
from hil.gate.libraries import HEADER, Library, inspect_library
from hil.gate.programs import HEADERS, MEANINGS, differences, program_rows
from hil.gate.promises.header import Header
from hil.gate.result import Row, RowVerdict

THIS = inspect_library("this", (BUILD / "libvideo_shm.so").resolve(), None)
NAMES = ["tells_a_rings_figures", "takes_older_writer_options", "fills_older_and_newer_structs", "exports_every_call"]
NAMES += ["lays_its_types_out_as_declared", "gives_keyframes_only"]
TEXT = (ROOT / HEADER).read_text()
COLOUR = "\tuint64_t colour;\n"
GROWN = ["video_shm_info_t", "video_shm_view_t", "video_shm_producer_options_t", "video_shm_consumer_options_t"]


def rows_of(baseline: Library, candidate: Library) -> dict[str, Row]:
    return {row.name: row for row in program_rows(ask(NAMES, candidate.path), baseline, candidate)}


def worse(rows: dict[str, Row]) -> dict[str, str]:
    return {name: row.detail for name, row in rows.items() if row.verdict is RowVerdict.WORSE}


def with_header(folder: Path, before: str, after: str) -> Library:
    assert before in TEXT
    header = folder / "video_shm.h"
    header.write_text(TEXT.replace(before, after, 1))
    return replace(THIS, label="./other.so", header=header)


def test_of_one_header_nothing_is_asked() -> None:
    rows = rows_of(THIS, THIS)
    assert {name: row.verdict for name, row in rows.items()} == dict.fromkeys([HEADERS, *MEANINGS], RowVerdict.SAME)


@pytest.mark.parametrize("struct", GROWN)
def test_a_struct_may_grow_at_its_end(tmp_path: Path, struct: str) -> None:
    """Then newer programs run with the older library, and older ones with the newer."""
    assert worse(rows_of(THIS, with_header(tmp_path, f"}} {struct};", f"{COLOUR}}} {struct};"))) == {}


def test_what_moves_in_a_struct_is_found(tmp_path: Path) -> None:
    """It is found in the headers and by promises: a program of one build reads there what the other put elsewhere."""
    other = with_header(tmp_path, "\tuint64_t keyframes; ", f"{COLOUR}\tuint64_t keyframes; ")
    found = worse(rows_of(THIS, other))
    assert set(found) == {HEADERS, "mixed_program_of_candidate"}
    assert found[HEADERS] == "declared otherwise: video_shm_info_t"
    assert "tells_a_rings_figures: device for " in found["mixed_program_of_candidate"]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("VIDEO_SHM_POLICY_NEWEST = 1", "VIDEO_SHM_POLICY_NEWEST = 3", ["VIDEO_SHM_POLICY_NEWEST"]),
        ("VIDEO_SHM_STATE_CLOSED = 2,", "", ["VIDEO_SHM_STATE_CLOSED"]),
        ("uint64_t opaque[16]", "uint64_t opaque[18]", ["video_shm_producer_t"]),
        ("\tuint32_t flags;      /*", "\tuint64_t flags;      /*", ["video_frame_timing_t"]),
        ("uint32_t timeout_ms);", "uint64_t timeout_ms);", ["video_shm_consumer_wait"]),
        ("VIDEO_SHM_MEDIA_AUDIO = 1 }", "VIDEO_SHM_MEDIA_AUDIO = 1, VIDEO_SHM_MEDIA_SMELL = 2 }", []),
    ],
)
def test_what_headers_declare_otherwise_is_named(before: str, after: str, what: list[str]) -> None:
    """What is only new is none."""
    assert before in TEXT
    assert list(differences(Header(TEXT), Header(TEXT.replace(before, after, 1)))) == what
