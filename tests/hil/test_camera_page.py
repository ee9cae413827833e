# SPDX-License-Identifier: Apache-2.0
"""What a camera's own books say of each picture is held against what came out of its driver."""

import numpy
import pytest

from hil.fleet.camera_page import CameraPage, SentPictures, camera_page
from hil.fleet.frame_book import FrameBook, WriterPage
from hil.streamer.books import Books
from hil.usb.books import Picture
from hil.workers.records import WRITTEN, Records

INTERVAL_NS = 33_000_000


def sent(count: int, stream: int = 1, begin_ns: int = 1_000_000_000, parts: int = 1) -> list[Picture]:
    """A stream's pictures, each with the frame's number of a clip of 150."""
    times = [begin_ns + at * INTERVAL_NS for at in range(count)]
    return [Picture(at % 150, stream, at * parts, parts, ns, ns + 1000, 5000) for at, ns in enumerate(times)]


def written(pictures: list[Picture], *, without: tuple[int, ...] = ()) -> Records:
    """The writer's ledger of these pictures, but for those at some positions."""
    rows = [
        (number, one.sequence, one.due_ns + 2000, one.due_ns + 9000, 4000, 0, 0)
        for number, one in enumerate(pictures)
        if number not in without
    ]
    return numpy.array(rows, WRITTEN)


def summary(lost: int = 0) -> dict[str, dict[str, int]]:
    return {"camera": {"lost": lost}}


def test_all_that_was_sent_was_delivered() -> None:
    pictures = sent(100)
    page = camera_page(pictures, written(pictures), summary())
    assert page == CameraPage(sent=100, damaged=0, delivered=100, outside=0, lost=0)
    assert page.imbalance(Books()) is None


def test_what_is_missing_must_have_been_counted() -> None:
    pictures = sent(100)
    page = camera_page(pictures, written(pictures, without=(10, 11, 50, 60)), summary(lost=1))
    assert (page.delivered, page.outside) == (96, 0)
    assert page.imbalance(Books(source_error=2, encoder_dropped=1)) is None
    told = page.imbalance(Books(source_error=2))
    assert told is not None and told.endswith(
        "96 delivered + 0 outside + 0 merged + 1 lost + 2 flagged or refused + 0 given up"
    )
    assert page.imbalance(Books(source_error=4)) is not None  # counted twice


def test_before_the_first_and_after_the_last_one_nobody_may_have_been_there() -> None:
    pictures = sent(100)
    page = camera_page(pictures, written(pictures, without=(0, 1, 2, 40, 99)), summary())
    assert page.outside == 4
    for counted in range(1, 6):
        assert page.imbalance(Books(source_error=counted)) is None
    assert page.imbalance(Books(source_error=0)) is not None
    assert page.imbalance(Books(source_error=6)) is not None


def test_each_stream_has_numbers_of_its_own() -> None:
    first, second = sent(50), sent(40, 2, 10_000_000_000)
    rows = numpy.concatenate([written(first), written(second, without=(5,))])
    page = camera_page([*first, *second], rows, summary(lost=1))
    assert page == CameraPage(sent=90, damaged=0, delivered=89, outside=0, lost=1)
    assert page.imbalance(Books()) is None


def test_a_picture_in_parts_is_one_picture() -> None:
    pictures = sent(20, parts=4)
    rows = written(pictures)
    rows["v4l2_sequence"] += 3  # told by the last part
    assert camera_page(pictures, rows, summary()).delivered == 20


def test_of_pictures_with_one_number_the_first_comes_and_nobody_knows_of_the_others() -> None:
    """As where a frame id does not change."""
    pictures = sent(20)
    pictures = [*pictures[:9], *(one._replace(sequence=max(one.sequence - 2, 8)) for one in pictures[9:])]
    rows = written([*pictures[:9], *pictures[11:]])
    page = camera_page(pictures, rows, summary())
    assert (page.sent, page.delivered, page.merged) == (20, 18, 2)
    assert page.imbalance(Books()) is None
    assert SentPictures(pictures).shown(rows)[8] == 8


def test_of_a_picture_in_pieces_each_may_have_been_counted() -> None:
    pictures = [one._replace(what=("halves",)) if number == 3 else one for number, one in enumerate(sent(10, parts=2))]
    page = camera_page(pictures, written(pictures, without=(3,)), summary())
    for counted, balances in ((0, False), (1, True), (2, True), (11, True), (12, False)):
        assert (page.imbalance(Books(source_error=counted)) is None) == balances


def test_what_was_not_sent_is_no_picture_and_what_was_damaged_is_told() -> None:
    pictures = sent(10)
    pictures[3] = pictures[3]._replace(what=("error-bit",))
    pictures[4] = pictures[4]._replace(sent_ns=None, what=("stalled",))
    page = camera_page(pictures, written(pictures, without=(3, 4)), summary())
    assert (page.sent, page.damaged, page.delivered) == (9, 1, 8)
    assert page.imbalance(Books(source_error=1)) is None


def test_nobody_expects_counts_of_a_writer_that_was_killed() -> None:
    pictures = sent(10)
    assert camera_page(pictures, written(pictures, without=(5,)), None).imbalance(Books()) is None


def test_what_the_camera_never_sent_is_not_delivered() -> None:
    pictures = sent(10)
    rows = written(sent(12))
    assert camera_page(pictures, rows, summary()).delivered == 10
    assert SentPictures(pictures).find(5, 0) is None  # before the camera began
    assert SentPictures([]).find(0, 5) is None


def test_each_frame_must_show_the_number_that_the_camera_drew() -> None:
    first, second = sent(160), sent(5, 2, 20_000_000_000)
    rows = numpy.concatenate([written(first), written(second)])
    rows["number"] = numpy.arange(len(rows))
    shown = SentPictures([*first, *second]).shown(rows)
    assert (shown[0], shown[149], shown[150], shown[159], shown[160]) == (0, 149, 0, 9, 0)
    rows["v4l2_sequence"][7] = 1000
    assert SentPictures([*first, *second]).shown(rows)[7] is None


@pytest.mark.parametrize("lost", [0, 3])
def test_the_frame_book_begins_with_the_camera(lost: int) -> None:
    books = Books(captured=95, encoded=95, written=95)
    camera = CameraPage(sent=98, damaged=3, delivered=95, outside=0, lost=lost)
    book = FrameBook([WriterPage(books, 95)], [], 3, [camera])
    assert len(book.imbalances()) == (lost == 0)
    assert book.to_json()["camera"] == {
        "sent": 98,
        "damaged": 3,
        "delivered": 95,
        "outside": 0,
        "pieces": 0,
        "merged": 0,
        "lost": lost,
    }
    assert FrameBook([WriterPage(books, 95)]).to_json()["camera"] is None
