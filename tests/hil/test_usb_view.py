# SPDX-License-Identifier: Apache-2.0
"""What the table of USB faults says: the camera's books compared with a driver's buffers, and the page that has it."""

import pytest
from writers import ROOT

from hil.usb.books import Picture
from hil.usb.driver_view import View, view
from hil.usb.faults import FAULTS, Unit
from hil.usb.scenes import SCENES
from hil.usb.streamer_view import fates_of
from hil.usb.table_page import HEADINGS, with_rows
from hil.usb.watch import Buffer, Failure

STEP_NS = 33_000_000


def sent(sequence: int, what: str = "", parts: int = 1) -> Picture:
    return Picture(sequence, 1, sequence, parts, 0, sequence * STEP_NS, 1000, (what,) if what else ())


def got(sequence: int, size: int = 1000, error: bool = False) -> Buffer:
    return Buffer(sequence * STEP_NS, sequence, size, error, sequence * STEP_NS + 1)


def seen(pictures: list[Picture], buffers: list[Buffer]) -> View:
    return view(pictures, buffers, [], [], "hole")


def test_a_picture_that_is_shorter_or_flagged() -> None:
    pictures = [sent(0), sent(1, "hole"), sent(2)]
    assert seen(pictures, [got(0), got(1, 600), got(2)]) == View("none", "60 %", "-", "-", "-")
    assert seen(pictures, [got(0), got(1, error=True), got(2)]) == View("ERROR", "all", "-", "-", "-")


def test_a_picture_that_is_left_out_is_told_from_its_neighbours() -> None:
    pictures = [sent(0), sent(1, "hole"), sent(2), sent(3)]
    assert seen(pictures, [got(0), got(2), got(3)]).sequence == "left out"
    assert seen(pictures, [got(0), got(1), got(3)]).sequence == "the next one left out"
    assert seen(pictures, [got(0), got(1), got(2, error=True), got(3)]).sequence == "the next one flagged"
    # What the driver had not shown when the program ended is no loss.
    assert seen(pictures, [got(0), got(1)]).sequence == "-"


def test_what_a_busy_machine_alone_has_done_is_not_told() -> None:
    pictures = [sent(number, "hole" if number % 3 == 1 else "") for number in range(10)]
    buffers = [got(number) for number in range(10) if number != 5]
    assert seen(pictures, buffers).sequence == "-"
    assert seen(pictures, [each for each in buffers if each.sequence != 8]).sequence == "the next one left out"
    assert seen(pictures, [each for each in buffers if each.sequence != 4]).sequence == "-"
    assert seen(pictures, [each for each in buffers if each.sequence not in (1, 4)]).sequence == "left out"


def test_whether_a_picture_was_passed_on_is_told_by_its_neighbours() -> None:
    pictures = [sent(0), sent(1, "hole"), sent(2), sent(3), sent(4, "hole", 2), sent(6), sent(7, "hole"), sent(8)]
    assert fates_of("hole", pictures, {0, 2, 3, 5, 6, 7, 8}) == [False, True, True]
    assert fates_of("hole", pictures, {0, 2, 3, 5, 6, 7}) == [False, True]  # the encoder had no time for the next one
    assert fates_of("hole", [sent(0), sent(1, "hole"), sent(1), sent(2)], {0, 1, 2}) == [True]


def test_pictures_in_parts_and_pictures_that_share_a_number() -> None:
    pictures = [sent(0), sent(1, "hole", 2), sent(3)]
    assert seen(pictures, [got(0), got(1, 500), got(2, 500), got(3)]).bytes == "50 %"
    pictures = [sent(0), sent(1, "hole"), sent(1), sent(2)]
    assert seen(pictures, [got(0), got(1), got(2)]).sequence == "the next one lost without a gap"


def test_buffers_that_were_cancelled() -> None:
    cancelled = Buffer(3 * STEP_NS, 0, 0, True, 0)
    assert seen([sent(0), sent(1)], [got(0), got(1), cancelled, cancelled]) == View(
        "ERROR", "0 %", "0 and no time", "-", "-"
    )


def test_failures_events_and_silence() -> None:
    failures = [Failure("S_CTRL", "ETIMEDOUT", 5.0), Failure("DQBUF", "ENODEV", 0.0)]
    late = got(1)._replace(got_ns=2_000_000_000)
    assert view([], [got(0), late], failures, ["POLLERR"], "")[3:] == (
        "DQBUF: ENODEV, S_CTRL: ETIMEDOUT after 5 s",
        "POLLERR, silent for 2 s",
    )


def test_every_fault_of_the_camera_has_its_row() -> None:
    names = [scene.name for scene in SCENES]
    assert len(set(names)) == len(names)
    for name, fault in FAULTS.items():
        if fault.unit == Unit.WORD:
            assert all(f"{name}={word}" in names for word in fault.words)
        elif name != "silent":  # of the microphone
            assert any(each == name or each.startswith(f"{name}=") for each in names), name


def rows_of(page: str) -> list[list[str]]:
    """Return the cells of the page's table, without its head."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def test_a_row_says_on_which_kernels_it_was_seen() -> None:
    page = "before\n<!-- table of faults -->\n<!-- end of table of faults -->\nafter\n"
    order = ["hole", "stall=2", "unplug"]
    page = with_rows(page, "6.1.0-56-amd64", [("unplug", *"abcde"), ("hole", *"uvwxyz")], order)
    assert page.startswith("before\n") and page.endswith("after\n")
    assert rows_of(page) == [["hole", "6.1", *"uvwxyz"], ["unplug", "6.1", *"abcde", "-"]]
    page = with_rows(page, "6.12.113+deb12-amd64", [("hole", *"123456"), ("unplug", *"abcde")], order)
    assert "Measured on Linux 6.1.0-56-amd64, 6.12.113+deb12-amd64:\n" in page
    assert rows_of(page) == [
        ["hole", "6.1", *"uvwxyz"],
        ["hole", "6.12", *"123456"],
        ["unplug", "6.1, 6.12", *"abcde", "-"],
    ]
    page = with_rows(page, "6.1.0-60-amd64", [("hole", *"ghijk"), ("gone", *"123456")], order)
    assert "Measured on Linux 6.1.0-60-amd64, 6.12.113+deb12-amd64:\n" in page
    assert rows_of(page)[0] == ["hole", "6.1", *"ghijkz"]  # what was not measured this time stays
    assert len(rows_of(page)) == 3 and "gone" not in page
    with pytest.raises(ValueError, match="no lines"):
        with_rows("nothing", "6.1", [], order)


def test_what_camera_streamer_does_need_not_be_measured_on_every_kernel() -> None:
    page, order = "<!-- table of faults -->\n<!-- end of table of faults -->\n", ["hole"]
    page = with_rows(page, "6.1", [("hole", *"abcde", "goes on")], order)
    page = with_rows(page, "6.12", [("hole", *"abcde")], order)
    assert rows_of(page) == [["hole", "6.1, 6.12", *"abcde", "goes on"]]
    page = with_rows(page, "6.1", [("hole", *"abcde", "gives up")], order)
    assert rows_of(page) == [["hole", "6.1, 6.12", *"abcde", "gives up"]]
    page = with_rows(page, "6.12", [("hole", *"abcde", "goes on")], order)
    assert rows_of(page) == [["hole", "6.1", *"abcde", "gives up"], ["hole", "6.12", *"abcde", "goes on"]]


def test_the_page_has_a_row_for_every_scene_and_none_else() -> None:
    page = (ROOT / "hil" / "usb" / "README.md").read_text()
    rows = rows_of(page[page.index("Measured on Linux ") :].partition("<!-- end")[0])
    assert list(dict.fromkeys(name for name, *_ in rows)) == [scene.name for scene in SCENES]
    assert all(len(row) == len(HEADINGS) for row in rows)
