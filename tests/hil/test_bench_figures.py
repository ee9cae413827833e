# SPDX-License-Identifier: Apache-2.0
"""hil bench: what is made of a block's records, and how it is told."""

import dataclasses
import json
from pathlib import Path

import pytest
from writers import ROOT

from hil.bench.compare import CASES, Bench
from hil.bench.comparison import Case, Comparison, row_of
from hil.bench.payload import FILLER, Payload, mark, number_of
from hil.bench.peers import peer_class
from hil.bench.render import markdown, print_tables, remarks
from hil.bench.sides import SETTLING, Received, Sent
from hil.bench.worker import block_of
from hil.blocks.block import Block, Tally
from hil.cli.main import main
from hil.host.board import find_board

COUNT = 30
SENT = Sent([1000 * number for number in range(COUNT)], [1000 * number + 300 for number in range(COUNT)], 20_000_000)


def received(numbers: list[int], late_ns: int = 500, **told: int) -> Received:
    return Received(numbers, [1000 * number + late_ns for number in numbers], 9_000_000, 9, **told)


def test_a_block_s_figures_are_those_of_its_records() -> None:
    lossy = received([*range(20), *range(25, COUNT)], 700)
    block = block_of(SENT, [received(list(range(COUNT)), 500), lossy])
    assert block.faults() == {}
    assert (block.written, block.refused, block.dropped) == (COUNT, 0, 0)
    assert [(reader.received, reader.missed) for reader in block.readers] == [(30, 0), (25, 5)]
    assert sorted(set(block.latency_ns)) == [500, 700]
    assert len(block.latency_ns) == 30 + 25 - 2 * SETTLING
    assert block.write_ns == [300] * (COUNT - SETTLING)
    assert block.elapsed_ns == 1000 * (COUNT - 1 - SETTLING) + 300
    assert block.writer == Tally(COUNT - SETTLING, 20_000_000)
    assert (block.readers[0].cpu_ns, block.readers[0].frames) == (9_000_000, 9)


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (received(list(range(COUNT)), torn=2), {"torn": 2}),
        (received([0, 1, 1, 2]), {"repeated": 1}),
        (received([0, 2, 1, 3]), {"reordered": 1}),
        (received([0, 1, COUNT]), {"torn": 1}),
        (received([]), {"silent": 1}),
        (received([0, 1, 5], missed=0), {"unaccounted": 3}),
        (received([0, 1, 2], missed=4), {"unaccounted": 4}),
        (received([0, 1, 5], missed=3), {}),
        (received([0, 1, 5]), {}),
        (received([3, 4, 7], missed=2), {}),
    ],
)
def test_books_that_do_not_balance_are_found(one: Received, fault: dict[str, int]) -> None:
    found = block_of(SENT, [one]).faults()
    assert {name: count for name, count in found.items() if name in fault or not fault} == fault


def test_what_the_worker_prints_is_a_block() -> None:
    told = dataclasses.asdict(block_of(SENT, [received([0, 1, 2])]))
    assert told.pop("complete") is True
    assert Block.parse(json.dumps(told), complete=True) == block_of(SENT, [received([0, 1, 2])])


def test_a_torn_frame_is_none_that_was_sent() -> None:
    payload = Payload(64)
    whole = bytes(payload.numbered(7))
    assert number_of(whole, 64) == 7
    assert number_of(memoryview(whole), 64) == 7
    assert number_of(whole[:-1], 64) is None
    torn = whole[:32] + bytes(payload.numbered(8))[32:]
    assert number_of(torn, 64) is None
    assert number_of(bytes(payload.numbered(FILLER)), 64) == FILLER
    assert Payload(64).data[8:56] == Payload(64).data[8:56] != bytes(48)  # the same frames for everybody


def test_marks_are_those_of_the_worker_in_c() -> None:
    header = (ROOT / "hil" / "blocks" / "worker" / "payload.h").read_text()
    assert hex(mark(0, 0)) in header
    assert hex(mark(0, 1) ^ mark(0, 0)) in header


def comparison(**changed: object) -> Comparison:
    blocks = [block_of(SENT, [received(list(range(COUNT)), late)]) for late in (500, 900)]
    row = row_of(("pipe", "Python", 3, "how"), Case(65536, 1, 30), blocks)
    host = {"model": "", "kernel": "6", "architecture": "x", "processors": 2}
    return Comparison(host, {"video-shm": "1"}, 2, rows=[row], **changed)  # type: ignore[arg-type]


def test_rounds_are_put_together() -> None:
    (row,) = comparison().rows
    assert (row.sent, row.received, row.missed) == (60, 60, 0)
    assert row.p50_us == pytest.approx(0.7)
    assert row.p99_us == pytest.approx(0.9)
    assert row.sender_cpu_us == 1000
    assert row.receiver_cpu_us == 1000
    assert row.sent_per_s == pytest.approx(1e6, rel=0.02)


def test_a_comparison_is_told_as_json_and_as_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = comparison(reasons=["others used 40 %"], missing={"zeromq": "not installed: pip install pyzmq"})
    found.write(tmp_path / "peers.json")
    told = json.loads((tmp_path / "peers.json").read_text())
    assert told["schema"] == 2
    assert told["rows"][0]["case"] == {"size": 65536, "receivers": 1, "fps": 30, "slots": 0, "newest": False}
    assert told["rows"][0] | {"peer": "pipe", "copies": 3, "language": "Python", "sent": 60} == told["rows"][0]
    print_tables(found)
    for text in (capsys.readouterr().out, markdown(found)):
        assert "64 KB, 1 receiver, 30 frames/s" in text
        assert "INVALID: the host was not fit for timing: others used 40 %" in text
        assert "zeromq: not installed: pip install pyzmq" in text
        assert "pipe" in text and "Python" in text


def test_broken_books_are_told() -> None:
    found = comparison()
    found.rows.append(row_of(("x", "C", 1, "how"), Case(1, 1, 0), [block_of(SENT, [received([0, 1, 1])])]))
    assert [row.peer for row in found.broken] == ["x"]
    assert any("BROKEN: x" in line and "1 repeated" in line for line in remarks(found))


def test_peers_are_run_in_turn_and_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(peer_class("zeromq"), "obstacle", lambda: "not installed: pip install pyzmq")
    bench = Bench(
        ["video-shm", "zeromq", "pipe"],
        find_board("generic"),
        0.2,
        lambda what, share: order.append(what.partition(":")[0]),
        CASES[:1],
    )
    found = bench.run()
    assert order == ["video-shm", "pipe", "pipe", "video-shm"]
    assert [(row.peer, row.sent) for row in found.rows] == [("video-shm", 60), ("pipe", 60)]
    assert found.broken == []
    assert "pip install pyzmq" in found.missing["zeromq"]


def test_a_peer_that_nobody_knows_is_a_usage_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["bench", "--peer", "pigeon", "--output", str(tmp_path)]) == 2
    assert "no peer pigeon; there are: video-shm, video-shm borrow, futex floor, iceoryx2" in capsys.readouterr().err


def test_what_to_measure_has_to_be_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["bench", "--output", str(tmp_path)]) == 2
    assert "--peers, --raw, or --peer NAME" in capsys.readouterr().err


def test_pictures_have_peers_of_their_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["bench", "--raw", "--peer", "websocket", "--output", str(tmp_path)]) == 2
    assert "no peer websocket; there are: video-shm, video-shm borrow, futex floor" in capsys.readouterr().err
