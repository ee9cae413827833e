# SPDX-License-Identifier: Apache-2.0
"""The witness finds what was planted in a consumer's ledger, and nothing where all is well."""

from typing import Any

import numpy
import pytest

from hil.fleet.witness import Account, all_written, examine, examine_life
from hil.workers.life import ConsumerLife, WriterLife
from hil.workers.records import RECEIVED, WRITTEN, Records
from hil.workers.saved import found_in_stream, printed_by_example

MS = 1_000_000


def writing(first: int = 0, count: int = 60, begin_ns: int = 10**9) -> Records:
    """Return the records of frames at 100 a second, each with bytes of its own."""
    written = numpy.zeros(count, WRITTEN)
    written["number"] = numpy.arange(first, first + count)
    written["entry_ns"] = begin_ns + numpy.arange(count) * 10 * MS
    written["capture_ns"] = written["entry_ns"] - MS
    written["size"] = 1000 + numpy.arange(count)
    written["crc32"] = (numpy.arange(first, first + count) + begin_ns) % 2**32 * 2654435761 % 2**32
    return written


def reading(written: Records) -> Records:
    """Return the records of a consumer that got all of it at once."""
    received = numpy.zeros(len(written), RECEIVED)
    for name in ("number", "capture_ns", "size", "crc32"):
        received[name] = written[name]
    received["awake_ns"] = written["entry_ns"] + MS
    return received


def kinds(account: Account) -> list[tuple[str, int]]:
    return [(finding.kind, finding.number) for finding in account.findings]


def test_nothing_is_found_where_all_is_well() -> None:
    written = writing()
    account = examine(written, reading(written), begin=0, end=60)
    assert account == Account(written=60, received=60, missed=0, skipped=0, findings=[])


@pytest.mark.parametrize("field", ["crc32", "size", "capture_ns"])
def test_an_altered_frame_is_found(field: str) -> None:
    """Bytes of another frame in it, cut short, or with another frame's metadata."""
    written = writing()
    received = reading(written)
    received[field][20] += 1
    assert kinds(examine(written, received)) == [("altered", 20)]


def test_a_torn_frame_is_found() -> None:
    """Its size and times are its own, but its bytes begin as those of the frame that took its slot: another CRC-32."""
    written = writing()
    received = reading(written)
    received["crc32"][20] = written["crc32"][20] ^ written["crc32"][50]
    assert kinds(examine(written, received)) == [("altered", 20)]


def test_a_frame_with_an_older_ones_bytes_is_found() -> None:
    written = writing()
    received = reading(written)
    for name in ("size", "crc32"):
        received[name][45] = received[name][15]
    assert {number for _, number in kinds(examine(written, received))} == {45}


def test_a_lost_frame_is_found_whether_it_is_the_first_one_inside_or_the_last() -> None:
    written = writing()
    for lost in (0, 30, 59):
        received = numpy.delete(reading(written), lost)
        assert kinds(examine(written, received, begin=0, end=60)) == [("lost", lost)]


def test_what_a_consumer_counts_is_not_lost_and_what_it_counts_too_much_is_found() -> None:
    written = writing()
    received = numpy.delete(reading(written), [7, 8, 9])
    assert kinds(examine(written, received, begin=0, end=60, missed=2, skipped=1)) == []
    assert kinds(examine(written, received, begin=0, end=60, missed=2)) == [("lost", 7)]
    assert kinds(examine(written, received, begin=0, end=60, missed=4)) == [("miscounted", -1)]


def test_a_repeated_frame_is_found() -> None:
    written = writing()
    received = numpy.insert(reading(written), 31, reading(written)[30])
    assert kinds(examine(written, received, begin=0, end=60)) == [("repeated", 30)]


def test_a_repeated_frame_does_not_make_up_for_a_lost_one() -> None:
    written = writing()
    received = reading(written)
    received[31] = received[30]
    assert sorted(kinds(examine(written, received, begin=0, end=60))) == [("lost", 31), ("repeated", 30)]


def test_reordered_frames_are_found() -> None:
    written = writing()
    received = reading(written)
    received[[30, 31]] = received[[31, 30]]
    assert kinds(examine(written, received, begin=0, end=60)) == [("reordered", 30)]


def test_a_frame_that_nobody_wrote_is_found() -> None:
    written = writing()
    received = numpy.append(reading(written), reading(writing(first=1000, count=1)))
    assert kinds(examine(written, received, begin=0, end=60)) == [("never written", 1000)]


def test_a_frame_that_comes_before_it_is_written_is_found() -> None:
    """Its count may have been published ahead of its bytes."""
    written = writing()
    received = reading(written)
    received["awake_ns"][5] = written["entry_ns"][5] - 1
    assert kinds(examine(written, received)) == [("early", 5)]


@pytest.mark.parametrize("off_ns", [-1, MS + 1])
def test_a_time_of_publication_that_can_not_be_is_found(off_ns: int) -> None:
    """It may be of another clock, or of another frame."""
    written = writing()
    received = reading(written)
    received["publish_ns"] = written["entry_ns"] + MS // 2
    assert kinds(examine(written, received)) == []
    received["publish_ns"][5] = written["entry_ns"][5] + off_ns
    assert kinds(examine(written, received)) == [("altered", 5)]


def test_frames_that_did_not_get_into_the_ring_are_nobodys() -> None:
    written = writing()
    written["result"][10] = 1
    written["number"][10] = -1
    written["number"][11:] -= 1
    inside = numpy.delete(written, 10)
    assert examine(written, reading(inside), begin=0, end=59) == Account(59, 59, 0, 0, [])


def test_numbers_that_begin_anew_after_a_clean_restart_are_no_fault() -> None:
    first, second = writing(count=20), writing(count=40, begin_ns=5 * 10**9)
    received = numpy.concatenate([reading(first), reading(second)])
    account = examine(numpy.concatenate([first, second]), received, begin=0, end=40)
    assert account == Account(60, 60, 0, 0, [])


def test_a_loss_on_either_side_of_a_restart_is_found() -> None:
    first, second = writing(count=20), writing(count=40, begin_ns=5 * 10**9)
    written = numpy.concatenate([first, second])
    whole = numpy.concatenate([reading(first), reading(second)])
    for lost in (19, 30, 59):
        assert [kind for kind, _ in kinds(examine(written, numpy.delete(whole, lost), begin=0, end=40))] == ["lost"]


def test_before_a_restart_the_old_ring_is_read_to_its_end() -> None:
    first, second = writing(count=40), writing(count=20, begin_ns=5 * 10**9)
    written = numpy.concatenate([first, second])
    received = numpy.concatenate([reading(first[:38]), reading(second)])
    assert kinds(examine(written, received, begin=0, end=20)) == [("lost", 38)]


def test_reordered_frames_are_no_restart() -> None:
    first, second = writing(count=20), writing(count=40, begin_ns=5 * 10**9)
    received = reading(first)
    received[[10, 11]] = received[[11, 10]]
    received = numpy.concatenate([received, reading(second)])
    written = numpy.concatenate([first, second])
    assert kinds(examine(written, received, begin=0, end=40)) == [("reordered", 10)]


def test_what_passed_before_a_new_ring_was_found_may_or_may_not_be_counted() -> None:
    first, second = writing(count=20), writing(count=40, begin_ns=5 * 10**9)
    written = numpy.concatenate([first, second])
    received = numpy.concatenate([reading(first), reading(second[3:])])
    for missed in range(4):
        account = examine(written, received, begin=0, end=40, missed=missed)
        assert account == Account(57 + missed, 57, missed, 0, [])
    assert kinds(examine(written, received, begin=0, end=40, missed=4)) == [("miscounted", -1)]
    assert kinds(examine(written, numpy.delete(received, 30), begin=0, end=40)) == [("lost", 13)]


def test_old_frames_that_come_again_are_no_restart() -> None:
    """A consumer that is thrown back to the ring's begin by a defect."""
    written = writing()
    received = numpy.concatenate([reading(written), reading(written[:3])])
    assert kinds(examine(written, received, begin=0, end=60)) == [("repeated", number) for number in range(3)]


def life(received: Records, **values: Any) -> ConsumerLife:
    closing = {"received": len(received), "missed": 0, "skipped": 0, "next_number": 60}
    known: dict[str, Any] = {"attach_number": 0, "received": received, "closing": closing} | values
    return ConsumerLife(started_ns=0, ended_ns=0, code=0, meant=True, complaints="", samples=[], **known)


def test_one_that_reads_to_the_end_must_have_the_last_frame() -> None:
    """A lost wake-up at the end: the consumer itself does not know that there was one more."""
    written = writing()
    one = life(reading(written[:-1]), closing={"received": 59, "missed": 0, "skipped": 0, "next_number": 59})
    assert kinds(examine_life(written, one, first=None, to_the_end=True)) == [("lost", 59)]
    assert kinds(examine_life(written, one, first=None, to_the_end=False)) == []


def test_one_that_was_there_before_the_first_frame_must_have_it() -> None:
    written = writing()
    one = life(reading(written[1:]), attach_number=None)
    assert kinds(examine_life(written, one, first=0, to_the_end=True)) == [("lost", 0)]


def test_of_one_that_was_killed_only_what_it_has_is_judged() -> None:
    written = writing()
    received = numpy.delete(reading(written[:40]), 7)
    received["crc32"][3] += 1
    assert kinds(examine_life(written, life(received, closing=None), first=None, to_the_end=False)) == [("altered", 3)]


def test_a_consumer_that_counts_other_than_it_wrote_down_is_found() -> None:
    written = writing()
    one = life(reading(written), closing={"received": 61, "missed": 0, "skipped": 0, "next_number": 60})
    assert kinds(examine_life(written, one, first=None, to_the_end=True)) == [("miscounted", -1)]


def writers(*lives: tuple[Records, bool]) -> list[WriterLife]:
    common: dict[str, Any] = {"started_ns": 0, "ended_ns": 0, "code": 0, "meant": True, "complaints": "", "samples": []}
    return [WriterLife(**common, written=written, summary=None if killed else {}) for written, killed in lives]


def test_frames_of_a_killed_writer_that_its_ledger_lacks_are_known_by_number() -> None:
    whole = writing()
    lives = writers((whole[:28], True), (whole[30:], False))
    received = reading(whole)
    written = all_written(lives, [received])
    assert written["number"].tolist() == list(range(60))
    assert examine(written, received, begin=0, end=60) == Account(60, 60, 0, 0, [])
    assert kinds(examine(written, numpy.delete(received, 29), begin=0, end=60)) == [("lost", 29)]


def test_what_a_consumer_got_of_them_tells_which_frames_another_one_saved() -> None:
    payloads = [bytes([at]) * (100 + at) for at in range(20)]
    whole = saved(payloads)
    lives = writers((whole[:8], True), (whole[11:], False))
    written = all_written(lives, [reading(whole)])
    stream = b"".join(payloads)
    assert found_in_stream(stream, written)["number"].tolist() == list(range(20))
    torn = reading(whole)
    torn["crc32"][9] += 1
    assert kinds(examine(written, torn, begin=0, end=20)) == [("altered", 9)]


def test_a_writer_that_was_killed_before_it_recorded_anything_has_written_what_came() -> None:
    whole = writing()
    written = all_written(writers((whole[:0], True), (whole[30:], False)), [reading(whole)])
    assert examine(written, reading(whole), begin=0, end=60) == Account(60, 60, 0, 0, [])


def test_after_the_last_writer_was_killed_what_one_consumer_saw_the_others_must_have() -> None:
    whole = writing()
    received = reading(whole)
    written = all_written(writers((whole[:58], True)), [received, received[:-1]])
    assert examine(written, received, begin=0, end=60) == Account(60, 60, 0, 0, [])
    assert kinds(examine(written, received[:-1], begin=0, end=60)) == [("lost", 59)]


def test_a_writer_that_ended_well_has_written_no_more_than_its_ledger_says() -> None:
    whole = writing()
    written = all_written(writers((whole[:58], False)), [reading(whole)])
    assert kinds(examine(written, reading(whole), begin=0)) == [("never written", 58), ("never written", 59)]


def saved(payloads: list[bytes]) -> Records:
    import zlib

    written = numpy.zeros(len(payloads), WRITTEN)
    for at, payload in enumerate(payloads):
        written[at]["number"], written[at]["size"], written[at]["crc32"] = at, len(payload), zlib.crc32(payload)
    return written


def test_a_saved_stream_tells_which_frames_it_has() -> None:
    payloads = [bytes([at]) * (100 + at) for at in range(20)]
    found = found_in_stream(b"".join(payloads[3:9] + payloads[12:]), saved(payloads))
    assert found["number"].tolist() == [*range(3, 9), *range(12, 20)]


def test_a_saved_stream_with_an_altered_byte_has_something_that_nobody_wrote() -> None:
    payloads = [bytes([at]) * (100 + at) for at in range(20)]
    stream = bytearray(b"".join(payloads))
    stream[500] ^= 1
    found = found_in_stream(bytes(stream), saved(payloads))
    assert found["number"][-1] == -1
    assert ("never written", -1) in kinds(examine(saved(payloads), found))


def test_what_the_example_printed_is_understood() -> None:
    output = (
        "Frame seq=7 size=3 codec=H.264 type=I-frame 1920x1080 fps=30 timestamp=12\n"
        "Frame seq=8 size=2 codec=unknown type=P-frame 1x1 fps=0 timestamp=13\n"
        "total 9, dropped 0 (0.00 %), missed 1 (50.00 %), received 2\n"
    )
    received, closing = printed_by_example(output, b"abcde")
    assert received[["number", "size", "keyframe"]].tolist() == [(7, 3, True), (8, 2, False)]
    assert closing == {"received": 2, "missed": 1, "skipped": 0}
