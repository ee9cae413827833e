# SPDX-License-Identifier: Apache-2.0
"""Fleets on a writer without a camera: every kind of consumer gets every frame, and behaves as it is called."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy
import pytest
from writers import BUILD

from hil.fleet import Consumer, Fault, Fleet, FleetError, FleetResult, RingWriter
from hil.workers import programs
from hil.workers.consumers import KINDS
from hil.workers.shared_memory import ring_names

MS = 1_000_000


WRITER = RingWriter(fps=100)


def run(words: str, seconds: float = 1.0, *, writer: RingWriter = WRITER, **options: object) -> FleetResult:
    """Run a fleet of the consumers that the words name. Asserts that nothing is left of it."""
    consumers = [Consumer.parse(word) for word in words.split()]
    with Fleet(writer, consumers, seconds, **options) as fleet:  # type: ignore[arg-type]
        result = fleet.run()
    assert [path for path in ring_names(fleet.channel) if path.exists()] == []
    assert not fleet.site.folder.exists()
    return result


def wrong(result: FleetResult) -> list[object]:
    """Return all that the witness and the books find wrong."""
    return [
        *(found for _, account in result.accounts() for found in account.findings),
        *result.frame_book().imbalances(),
    ]


def test_every_kind_of_consumer_gets_every_frame() -> None:
    """One whose ledger is not its own doing, such as the recorder's file, is told from another in its very bytes."""
    result = run(" ".join(KINDS), writer=RingWriter(fps=60, size=(100, 30_000), gop=20, frames=50))
    assert wrong(result) == []
    [books] = result.writer.books
    assert books is not None and books["written"] == 50
    for consumer in result.consumers:
        [life] = consumer.lives
        numbers = consumer.received["number"].tolist()
        assert life.meant, life.complaints
        assert life.library in (programs.loaded_library(), None)
        if consumer.consumer.kind == "keyframes":
            assert numbers == [0, 20, 40]
            assert consumer.received["keyframe"].all()
        elif not consumer.consumer.skips:
            assert numbers == list(range(50)), consumer.name
        if KINDS[consumer.consumer.kind].measures:
            latencies = result.latencies_ns(consumer)
            assert len(latencies) == len(numbers)
            assert latencies.min() > 0
        assert life.stalls == 0


def test_each_behaviour_does_what_its_name_says() -> None:
    names = "c for@slow:30 c@bursty:10,250 c@stops:0.4 borrow@crashes c@late c@rejoins"
    result = run(names, seconds=1.5, seed=3)
    assert wrong(result) == []
    steady, slow, bursty, stops, crashes, late, rejoins = result.consumers
    pauses = {consumer.name: numpy.diff(consumer.received["awake_ns"]) for consumer in result.consumers}
    assert result.seed == 3
    assert len(steady.received) == result.writer.books[0]["written"]  # type: ignore[index]
    awake_ns = slow.received["awake_ns"]
    assert numpy.diff(awake_ns[awake_ns < result.end_ns]).min() > 25 * MS  # until it is told to end
    assert pauses[bursty.name][[9, 19, 29]].min() > 250 * MS
    assert numpy.median(pauses[bursty.name][:35]) < 250 * MS
    assert pauses[stops.name].max() > 350 * MS
    assert crashes.lives[0].code == -signal.SIGKILL
    assert crashes.lives[0].closing is None
    assert (crashes.lives[0].ended_ns - result.begin_ns) / 1e9 > 0.2 * 1.5
    assert late.lives[0].started_ns - result.begin_ns > 0.7e9
    assert late.lives[0].attach_number == late.received["number"][0] > 40
    assert [life.code for life in rejoins.lives] == [0, 0]
    assert rejoins.lives[1].received["number"][0] - rejoins.lives[0].received["number"][-1] > 20


def test_whoever_is_stopped_late_stands_still_for_as_long() -> None:
    with Fleet(WRITER, [Consumer.parse("c@stops:0.4")], 1.5, seed=3) as fleet:
        stop = fleet._members[0].deeds[0]

        def hold_up(passed_s: float) -> None:
            """Be away when it is to be stopped."""
            if stop.at_s - 0.2 < passed_s < stop.at_s:
                time.sleep(0.5)

        result = fleet.run(hold_up)
    assert numpy.diff(result.consumers[0].received["awake_ns"]).max() > 350 * MS


def test_a_slow_consumer_counts_what_it_missed_and_the_others_lose_nothing() -> None:
    # The ring holds 0.6 s: who is swift stays within it on a machine with much else to do, too.
    result = run("c c@slow:200 example", seconds=2, writer=RingWriter(fps=100, slots=60))
    assert wrong(result) == []
    fast, slow, example = (account for _, account in result.accounts())
    assert slow.missed is not None and slow.missed > 60
    assert (fast.missed, example.missed) == (0, 0)


def test_newest_only_skips_and_says_so() -> None:
    result = run("newest@slow:50")
    [(_, account)] = result.accounts()
    assert wrong(result) == []
    assert account.skipped is not None and account.skipped > 30


FAULTS = [
    (["kill_writer", "start_writer"], [-signal.SIGKILL, 0]),
    (["end_writer", "start_writer"], [0, 0]),
    (["replace_ring"], [-signal.SIGKILL, 0]),
    (["remove_name"], [0]),
    (["stop_writer", "continue_writer"], [0]),
    (["second_producer"], [0]),
]


@pytest.mark.parametrize(("kinds", "codes"), FAULTS, ids=["+".join(kinds) for kinds, _ in FAULTS])
def test_faults_happen_when_they_are_planned_and_no_frame_is_unaccounted_for(
    kinds: Sequence[str], codes: list[int]
) -> None:
    faults = [Fault(0.4 + 0.5 * at, kind) for at, kind in enumerate(kinds)]  # type: ignore[arg-type]
    result = run("c for keyframes", seconds=1.6, faults=faults, writer=RingWriter(fps=50, size=(500, 900)))
    assert wrong(result) == []
    assert [fault.kind for fault in result.faults] == kinds
    for fault, plan in zip(result.faults, faults, strict=True):
        assert fault.at_ns - result.begin_ns >= plan.at_s * 1e9
    assert [life.code for life in result.writer.lives] == codes
    if kinds == ["second_producer"]:
        assert result.faults[0].code == 1
        assert "busy" in result.faults[0].said
    if codes[0] == -signal.SIGKILL or kinds[0] == "end_writer":
        received = result.consumers[0].received
        assert received["discontinuity"].any()
        assert (received["awake_ns"] > result.faults[-1].at_ns).sum() > 10


def test_a_consumer_that_ends_by_itself_ends_the_run_and_its_last_words_are_told() -> None:
    with pytest.raises(FleetError, match="ended by itself"), Fleet(RingWriter(), [Consumer()], 30) as fleet:
        start = time.monotonic()

        def progress(_seconds: float) -> None:
            worker = fleet.crew.members[0].worker
            assert worker is not None
            worker.child.send(signal.SIGABRT)
            assert time.monotonic() - start < 30

        fleet.run(progress)


def test_a_writer_that_can_not_begin_is_told_with_its_last_words() -> None:
    writer = RingWriter(slots=1)
    with pytest.raises(FleetError, match="Invalid argument"), Fleet(writer, [Consumer()], 1) as fleet:
        fleet.run()


def test_the_library_under_test_is_what_the_workers_load(tmp_path: Path) -> None:
    """A gate that compares two builds would else compare one with itself."""
    other = tmp_path / "baseline.so"
    other.write_bytes((BUILD / "libvideo_shm.so").read_bytes())
    result = run("c for example recorder", seconds=0.3, library=other)
    assert wrong(result) == []
    lives = [*result.writer.lives, *(life for consumer in result.consumers for life in consumer.lives)]
    assert {life.library for life in lives} == {other}


def test_a_library_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Fleet(RingWriter(), [Consumer()], 1, library=tmp_path / "none.so")


def test_without_a_compiler_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(programs.ProgramError, match="apt install gcc"):
        programs.find_program("consumer", programs.loaded_library())


def test_programs_are_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library = programs.loaded_library()
    program = programs.find_program("v1_consumer", library)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.find_program("v1_consumer", library) == program
    assert [path.name for path in (tmp_path / "video-shm/workers").iterdir()] == [program.parent.name]


def test_costs_are_sampled() -> None:
    result = run("c for", seconds=0.8, sample_every_s=0.2)
    lives = [*result.writer.lives, *(life for consumer in result.consumers for life in consumer.lives)]
    for life in lives:
        assert len(life.samples) >= 2
        assert life.samples[-1].pss_bytes > 0
        assert life.samples[-1].descriptors > 2
        assert life.samples[-1].cpu_s >= life.samples[0].cpu_s


def test_ledgers_are_kept_as_evidence(tmp_path: Path) -> None:
    result = run("c", seconds=0.3)
    result.save(tmp_path)
    lines = (tmp_path / "0-c-0.jsonl").read_text().splitlines()
    assert len(lines) == len(result.consumers[0].received) + 1
    assert '"crc32"' in lines[0] and '"missed"' in lines[-1]
