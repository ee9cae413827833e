# SPDX-License-Identifier: Apache-2.0
"""The books of a run balance, or it is said where they do not."""

from dataclasses import replace
from json import dumps, loads
from pathlib import Path
from typing import Any

import pytest

from hil import report
from hil.figures.schema import check
from hil.fleet.camera_page import CameraPage
from hil.fleet.frame_book import FrameBook, ReaderPage, WriterPage, camera_gaps, writer_page
from hil.report.flow import flow
from hil.streamer.books import Books

BOOKS = Books(captured=100, encoded=90, encoder_dropped=7, source_error=2, written=85, refused=3, ring_dropped=2)
WRITER = WriterPage(BOOKS, witnessed=85, in_flight=1)
READER = ReaderPage("for", written=85, received=80, missed=4, skipped=1)


def test_books_that_balance() -> None:
    assert FrameBook([WRITER, WRITER], [READER, READER]).imbalances() == []


@pytest.mark.parametrize("name", list(Books.__dataclass_fields__))
def test_an_imbalance_planted_with_the_writer_is_found(name: str) -> None:
    books = replace(BOOKS, **{name: getattr(BOOKS, name) + 1})
    assert len(FrameBook([WRITER, replace(WRITER, books=books)], [READER]).imbalances()) == 1


@pytest.mark.parametrize("name", ["witnessed", "in_flight"])
def test_an_imbalance_with_the_ledger_or_what_is_in_flight_is_found(name: str) -> None:
    assert len(FrameBook([replace(WRITER, **{name: getattr(WRITER, name) + 1})]).imbalances()) == 1


@pytest.mark.parametrize("name", ["written", "received", "missed", "skipped"])
def test_an_imbalance_planted_with_a_reader_is_found(name: str) -> None:
    reader = replace(READER, **{name: getattr(READER, name) - 1})
    [text] = FrameBook([WRITER], [READER, reader]).imbalances()
    assert text.startswith("for: ")


def test_nobody_expects_books_of_those_who_were_killed() -> None:
    writer = writer_page(None, {"written": 85, "refused": 3, "ring_dropped": 2})
    book = FrameBook([writer], [replace(READER, missed=0, complete=False)])
    assert book.imbalances() == []
    assert book.totals().written == 85


def test_a_writers_own_summary_is_held_against_its_ledger() -> None:
    summary: dict[str, Any] = {name: getattr(BOOKS, name) for name in Books.__dataclass_fields__}
    summary |= {"in_flight": 1, "imbalance": None}
    assert writer_page(summary, {"written": 85, "refused": 3, "ring_dropped": 2}).imbalance() is None
    assert writer_page(summary, {"written": 84, "refused": 3, "ring_dropped": 2}).imbalance() is not None


def test_gaps_of_the_camera_are_told_from_what_we_dropped() -> None:
    assert camera_gaps([-1, -1], 0, 0) is None
    assert camera_gaps([5, 6, 7, 8], 0, 0) == 0
    assert camera_gaps([5, 6, 9, 10], 0, 0) == 2
    assert camera_gaps([5, 6, 9, 10], 1, 1) == 0
    assert camera_gaps([5, 6, 9, 0, 1], 0, 0) == 2


def test_the_report_gets_totals_and_every_reader_in_its_own_form(tmp_path: Path) -> None:
    json = FrameBook([WRITER, WRITER], [READER], camera_gaps=3).to_json()
    assert (json["writer"]["captured"], json["writer"]["written"], json["writer"]["in_flight"]) == (200, 170, 2)
    assert json["consumers"][0]["missed"] == 4
    assert json["camera_gaps"] == 3
    assert json["imbalances"] == []
    whole = loads((Path(report.__file__).parent / "run.schema.json").read_text())
    schema = tmp_path / "schema.json"
    schema.write_text(dumps({"$ref": "#/$defs/frame_book", "$defs": whole["$defs"]}))
    check(json, schema)


def test_the_report_draws_the_way_from_what_the_camera_sent_on() -> None:
    books = Books(captured=93, encoded=90, source_error=3, written=90)
    camera = CameraPage(sent=100, damaged=3, delivered=90, outside=5, lost=2)
    drawn = flow(FrameBook([WriterPage(books, 90)], [], 40, [camera]).to_json())
    assert [(stage.name, stage.count) for stage in drawn.stages][:2] == [("camera", "100"), ("captured", "93")]
    told = [loss.text for loss in drawn.losses]
    assert told == ["3 flagged by the driver", "5 sent before the first or after the last", "2 left out by the driver"]
    without = flow(FrameBook([WriterPage(books, 90)], [], 40).to_json())
    assert without.stages[0].count == "133"
    assert "40 left out by the driver" in [loss.text for loss in without.losses]
