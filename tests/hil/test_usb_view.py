# SPDX-License-Identifier: Apache-2.0
"""What the table of USB faults says: the camera's books compared with a driver's buffers, and the page that has it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from writers import ROOT

from hil.usb.books import Picture
from hil.usb.driver_view import View, view
from hil.usb.faults import FAULTS, FaultError, Unit
from hil.usb.growing_file import GrowingFile
from hil.usb.measured import Cells, Measured, RowFile, read_folder
from hil.usb.scenes import SCENES, Scene
from hil.usb.streamer_view import fates_of
from hil.usb.table import _played, chosen
from hil.usb.table_page import HEADINGS, in_page
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
    assert view([], [], failures, ["POLLERR"], "")[3:] == ("DQBUF: ENODEV, S_CTRL: ETIMEDOUT after 5 s", "POLLERR")


@pytest.mark.parametrize(
    ("camera_s", "silence_s", "told"),
    [(2.1, 4.9, "silent for 2 s"), (0.1, 2.1, "-"), (0.1, 6, "silent for 6 s"), (9, 0.1, "-")],
)
def test_a_silence_is_the_camera_s_or_the_driver_s_and_not_a_busy_machine_s(
    camera_s: float, silence_s: float, told: str
) -> None:
    pictures = [sent(0), sent(1)._replace(sent_ns=int(camera_s * 1e9))]
    assert view(pictures, [got(0), got(1)._replace(got_ns=int(silence_s * 1e9))], [], [], "").poll == told


def test_a_silence_from_the_start_on_is_counted_from_when_the_camera_was_asked() -> None:
    pictures, buffers = [sent(90), sent(91)], [got(90), got(91)]
    assert view(pictures, buffers, [], [], "", began_ns=0).poll == "silent for 2 s"
    assert view(pictures, buffers, [], [], "").poll == "-"


def test_buffers_that_are_flagged_by_a_fault_of_no_single_picture() -> None:
    pictures = [sent(number) for number in range(3)]
    assert seen(pictures, [got(number, 300, error=True) for number in range(3)])[:2] == ("ERROR", "30 %")


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


EMPTY = "before\n<!-- table of faults -->\n<!-- end of table of faults -->\nafter\n"


def seen_on(last: str, **rows: Sequence[str]) -> Measured:
    return Measured({name: tuple(cells) for name, cells in rows.items()}, f"{last}T10:00:00+00:00")


def test_a_row_says_on_which_kernels_it_was_seen() -> None:
    tables = {
        "6.12.113+deb12-amd64": seen_on("2026-11-02", hole="123456", unplug="abcde"),
        "6.1.0-56-amd64": seen_on("2026-11-01", unplug="abcde", hole="uvwxyz", gone="123456"),
    }
    page = in_page(EMPTY, tables, ["hole", "stall=2", "unplug"])
    assert page.startswith("before\n") and page.endswith("after\n")
    assert "Measured on Linux 6.1.0-56-amd64 on 2026-11-01, 6.12.113+deb12-amd64 on 2026-11-02:\n" in page
    assert rows_of(page) == [
        ["hole", "6.1", *"uvwxyz"],
        ["hole", "6.12", *"123456"],
        ["stall=2", *"-------"],
        ["unplug", "6.1, 6.12", *"abcde", "-"],
    ]
    with pytest.raises(ValueError, match="no lines"):
        in_page("nothing", tables, [])


def test_of_a_series_the_kernel_that_was_measured_last_counts() -> None:
    tables = {
        "6.1.0-60-amd64": seen_on("2026-11-02", hole="123456"),
        "6.1.0-56-amd64": seen_on("2026-11-03", hole="abcdef"),
    }
    assert rows_of(in_page(EMPTY, tables, ["hole"])) == [["hole", "6.1", *"abcdef"]]


def test_what_camera_streamer_does_need_not_be_measured_on_every_kernel() -> None:
    def rows(first: Sequence[str], second: Sequence[str]) -> list[list[str]]:
        tables = {"6.1": seen_on("2026-11-01", hole=first), "6.12": seen_on("2026-11-01", hole=second)}
        return rows_of(in_page(EMPTY, tables, ["hole"]))

    assert rows("abcdef", "abcde") == [["hole", "6.1, 6.12", *"abcdef"]]
    assert rows("abcde3", "abcde5") == [["hole", "6.1, 6.12", *"abcde3"]]  # figures are the machine's
    goes_on, silent = [*"abcde", "goes on"], [*"abcde", "silent for 2 s, as the camera"]
    assert rows(goes_on, silent) == [["hole", "6.1, 6.12", *goes_on]]  # that is the camera's
    assert rows("abcdef", "abcdeg") == [["hole", "6.1", *"abcdef"], ["hole", "6.12", *"abcdeg"]]


def test_rows_are_kept_at_once_and_measured_again_only_if_they_are_named(tmp_path: Path) -> None:
    rows = RowFile(tmp_path / "rows", "6.1")
    rows.keep("hole", "abcde")
    rows.keep("hole", "abcdef")
    rows.keep("stall=2", "abcde")
    again = RowFile(tmp_path / "rows", "6.1")
    assert again.rows == {"hole": tuple("abcdef"), "stall=2": tuple("abcde")}
    left = [scene.name for scene in chosen(again, [], streamer_too=True)]
    assert "hole" not in left and "stall=2" in left and "unplug" in left
    assert "stall=2" not in [scene.name for scene in chosen(again, [], streamer_too=False)]
    assert [scene.name for scene in chosen(again, ["hol"], True)] == ["hole", "hole, raw"]
    with pytest.raises(ValueError, match="nothing: no scene's name begins so"):
        chosen(again, ["nothing"], True)
    again.keep("hole", "12345")  # what was not measured this time stays
    assert read_folder(tmp_path / "rows")["6.1"].rows["hole"] == (*"12345", "f")
    (tmp_path / "rows" / "6.2.jsonl").write_text("{}\n")
    with pytest.raises(ValueError, match=r"6\.2\.jsonl:1: no row"):
        read_folder(tmp_path / "rows")


def test_a_scene_that_fails_is_tried_again_and_does_not_end_the_others(tmp_path: Path) -> None:
    rows, said, tried = RowFile(tmp_path, "6.1"), list[str](), list[str]()

    def play(scenes: Sequence[Scene], rows: RowFile) -> Iterator[tuple[str, Cells]]:
        for scene in scenes:
            tried.append(scene.name)
            if scene.name == "damaged" or (scene.name == "halves" and tried.count("halves") == 1):
                raise FaultError("no camera")
            yield scene.name, tuple("abcde")

    scenes = [scene for scene in SCENES if scene.name in ("truncated", "damaged", "empty", "halves")]
    assert _played(play, scenes, rows, said.append) == ["damaged"]
    assert tried == ["truncated", "damaged", "damaged", "empty", "halves", "halves"]
    assert list(rows.rows) == ["truncated", "empty", "halves"]
    assert said.count("damaged: no camera") == 2


def test_a_file_that_grows_is_read_line_by_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    file = GrowingFile(path)
    assert file.lines() == []
    path.write_text("one\ntw")
    assert file.lines() == ["one\n"]
    with path.open("a") as more:
        more.write("o\nthree\n")
    assert file.lines() == ["two\n", "three\n"]
    assert file.lines() == []


def test_the_page_is_what_was_measured_and_has_a_row_for_every_scene() -> None:
    page = (ROOT / "hil" / "usb" / "README.md").read_text()
    order = [scene.name for scene in SCENES]
    assert page == in_page(page, read_folder(ROOT / "hil" / "usb" / "measured"), order)
    rows = rows_of(page[page.index("Measured on Linux ") :].partition("<!-- end")[0])
    assert list(dict.fromkeys(name for name, *_ in rows)) == order
    assert all(len(row) == len(HEADINGS) for row in rows)
