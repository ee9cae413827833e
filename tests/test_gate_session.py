# SPDX-License-Identifier: Apache-2.0
"""A session on made-up blocks: its order, when it ends, and what it makes of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from writers import BUILD

pytest.importorskip("scipy", reason="no scipy for this processor")

from hil.board import find_board
from hil.gate import session as session_module
from hil.gate.block import Block, BlockError, Plan, Tally
from hil.gate.correctness import counted_row, promise_row, static_rows
from hil.gate.libraries import Library
from hil.gate.metrics import COUNTED, TIMED, Phase
from hil.gate.phases import Side, order, plans, turns
from hil.gate.result import Answer, Result, RowVerdict
from hil.gate.schedule import standard
from hil.gate.session import Session
from hil.verdict import FIT, Fitness

BASELINE = Library("baseline", Path("a.so"), None, frozenset({"one", "two"}), 1000)
CANDIDATE = Library("candidate", Path("b.so"), None, frozenset({"one", "two"}), 1000)
RARE_NS = 10**8


def tally(frames: int = 100, cpu_us: float | None = 20.0, **changed: int) -> Tally:
    usual = {
        "instructions": None,
        "switches": frames,
        "system_calls": 2 * frames,
        "pss_bytes": 1 << 22,
        "descriptors": 6,
        "grown_bytes": 0,
        "received": frames,
        "missed": 0,
        "torn": 0,
        "repeated": 0,
        "reordered": 0,
        "altered": 0,
    }
    return Tally(frames=frames, cpu_ns=None if cpu_us is None else round(cpu_us * 1000 * frames), **usual | changed)  # type: ignore[arg-type]


class Host:
    """Blocks of two libraries that are the same but for what is changed; notes which were run."""

    def __init__(self) -> None:
        self.chance = np.random.default_rng(1)
        self.runs: list[tuple[str, Plan]] = []
        self.slower = 1.0
        self.changed: dict[str, int] = {}
        self.crashes = ""
        self.rare_every = 0
        self.stranded = 0
        self.without_cpu = ""
        self.gone_after = 10**9
        self.fitness = FIT

    def run(self, program: Path, library: Path, plan: Plan) -> Block:
        self.runs.append((library.name, plan))
        worse = library.name == "b.so"
        if library.name == self.crashes or len(self.runs) >= self.gone_after:
            raise BlockError("ended with signal 11")
        factor = self.chance.lognormal(0, 0.01)
        latency = self.chance.lognormal(10.5, 0.3, 400) * factor * (self.slower if worse else 1)
        if self.rare_every and len(self.runs) % self.rare_every == 0:
            latency[:4] = RARE_NS
        return Block(
            latency_ns=[int(ns) for ns in latency],
            write_ns=[int(10_000 * factor)] * 100,
            written=100,
            refused=0,
            dropped=0,
            elapsed_ns=int(10**9 * factor),
            recovery_ns=int(5e6 * factor) if plan.kill_after else None,
            writer=tally(cpu_us=None if library.name == self.without_cpu else 20 * factor),
            readers=[tally(cpu_us=10 * factor, **self.changed if worse else {})],
            complete=plan.kill_after == 0,
            stranded=self.stranded if worse and plan.kill_after else 0,
        )


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    """Time is counted in blocks, four of them a second, and no scene is played."""
    host = Host()
    monkeypatch.setattr(session_module, "PROMISES", {})
    monkeypatch.setattr(session_module, "fitness_of", lambda *_: host.fitness)
    return host


def run(host: Host, seconds: float = 200.0, thorough: bool = False) -> Result:
    board = find_board("generic")
    return Session(
        Path("worker"),
        BASELINE,
        CANDIDATE,
        board,
        seconds,
        thorough=thorough,
        run_one=host.run,
        clock=lambda: len(host.runs) / 4,
    ).run()


def test_blocks_take_turns() -> None:
    assert order(0) == ("baseline", "candidate", "candidate", "baseline")
    assert order(1) == ("candidate", "baseline", "baseline", "candidate")


def test_a_phase_in_two_places_has_no_better_one_for_a_side_either() -> None:
    phases = plans(None, 0)
    places = {phase: [side for side, at, _ in turns(0, phases) if at == phase] for phase in phases}
    assert places["alone"] == list(order(0))
    assert places["flood"] == places["overload"] == places["death"] == ["baseline", "candidate"]
    assert [side for side, at, _ in turns(1, phases) if at == "death"] == ["candidate", "baseline"]


def test_short_paced_blocks_have_several_rounds_in_a_group() -> None:
    def paced(phases: dict[Phase, Plan]) -> list[Side]:
        return [side for side, phase, _ in turns(0, phases) if phase == "paced"]

    assert paced(plans(None, 0)) == [*order(0), *order(1), *order(2)]
    assert paced(plans(None, 0, camera="vivid")) == list(order(0))
    assert paced(plans(standard(300, 30), 0)) == list(order(0))  # of 1.5 s each


def test_a_recording_is_played_part_by_part() -> None:
    source = standard(300, 30)
    parts = [plans(source, group)["paced"].schedule for group in range(2)]
    assert all(len(part.frames) == 45 for part in parts)
    played = [frame.size for part in parts for frame in part.frames]
    assert played == [frame.size for frame in source.frames[:90]]
    assert plans(standard(9000, 1000), 0)["paced"].schedule.seconds < 1
    assert plans(standard(300, 5), 0)["paced"].schedule.seconds < 10


def test_a_library_is_no_worse_than_itself(host: Host) -> None:
    result = run(host)
    assert result.answer is Answer.NO_REGRESSION, result.reasons
    measured = {row.name for row in result.rows if row.verdict is RowVerdict.SAME}
    assert {"latency_p50", "writer_cpu", "throughput", "recovery", "torn", "writer_system_calls"} <= measured
    assert [row.name for row in result.of(RowVerdict.UNMEASURED)] == ["writer_instructions", "reader_instructions"]
    sides = [name for name, plan in host.runs if plan.readers == 0]  # there is one in each place
    assert sides[:8] == ["a.so", "b.so", "b.so", "a.so", "b.so", "a.so", "a.so", "b.so"]


def test_what_is_slower_is_found_early(host: Host) -> None:
    host.slower = 1.5
    result = run(host)
    assert result.answer is Answer.REGRESSION
    assert {"latency_p50", "latency_p99"} <= {row.name for row in result.of(RowVerdict.WORSE)}
    assert result.seconds < 0.7 * 200
    row = next(row for row in result.rows if row.name == "latency_p50")
    assert row.low is not None and row.high is not None and row.low < 1.5 < row.high


def test_the_board_is_told_as_it_was_before_and_after(host: Host) -> None:
    machine = run(host).machine
    assert set(machine) == {"before", "after"}
    assert {"clocks_mhz", "temperature_c", "throttling", "under_voltage", "governors"} <= set(machine["after"])


def test_a_tail_is_that_of_all_blocks_since_a_group_has_too_few_frames(host: Host) -> None:
    host.rare_every = 5  # 4 of 400 frames in a fifth of the blocks: one frame in 500, and in less than half the groups
    row = next(row for row in run(host).rows if row.name == "latency_p999")
    assert row.baseline == RARE_NS / 1e3


def test_one_torn_frame_is_enough(host: Host) -> None:
    host.changed = {"torn": 1}
    result = run(host)
    assert result.answer is Answer.REGRESSION
    assert [row.name for row in result.of(RowVerdict.WORSE)] == ["torn"]
    assert result.groups == 0  # it was seen while system calls were counted


def test_frames_that_nobody_accounts_for_are_found(host: Host) -> None:
    host.changed = {"received": 99}
    assert [row.name for row in run(host).of(RowVerdict.WORSE)] == ["unaccounted"]


def test_a_reader_that_gets_nothing_is_found(host: Host) -> None:
    host.changed = {"received": 0, "missed": 100}
    assert "silent" in [row.name for row in run(host).of(RowVerdict.WORSE)]


def test_a_reader_that_nobody_takes_on_after_a_death_is_found(host: Host) -> None:
    host.stranded = 1
    assert [row.name for row in run(host).of(RowVerdict.WORSE)] == ["stranded"]


def test_frames_lost_at_a_cameras_rate_are_found(host: Host) -> None:
    host.changed = {"received": 99, "missed": 1}
    assert [row.name for row in run(host).of(RowVerdict.WORSE)] == ["paced_missed", "overload_missed"]


def test_a_figure_that_only_the_candidate_fails_to_give_is_worse(host: Host) -> None:
    host.without_cpu = "b.so"
    rows = {row.name: row.detail for row in run(host).of(RowVerdict.WORSE)}
    assert rows == dict.fromkeys(("writer_cpu",), "the candidate gave no figure")
    host.without_cpu = "a.so"
    row = next(row for row in run(host).rows if row.name == "writer_cpu")
    assert row.verdict is RowVerdict.UNMEASURED


def test_what_a_host_does_to_both_is_no_crash_of_the_candidate(host: Host) -> None:
    """A camera that is unplugged in its turn, memory that runs out: the baseline is asked at once."""
    host.gone_after = 32
    with pytest.raises(BlockError, match="the baseline does not work"):
        run(host)
    assert host.runs[31][0] == "b.so"


def test_a_candidate_that_crashes_is_worse(host: Host) -> None:
    host.crashes = "b.so"
    row = run(host).of(RowVerdict.WORSE)
    assert [(found.name, found.detail) for found in row] == [("crashed", "ended with signal 11")]


def test_a_baseline_that_crashes_is_no_measure(host: Host) -> None:
    host.crashes = "a.so"
    with pytest.raises(BlockError, match="the baseline does not work"):
        run(host)


def test_thorough_goes_on(host: Host) -> None:
    host.changed = {"torn": 1}
    result = run(host, thorough=True)
    assert result.answer is Answer.REGRESSION
    assert result.groups > 10


def test_too_short_a_session_is_inconclusive(host: Host) -> None:
    for seconds in (5, 20):
        result = run(host, seconds)
        assert result.answer is Answer.INCONCLUSIVE
        undecided = result.of(RowVerdict.UNDECIDED)
        assert undecided and all(row.needed_s and row.needed_s > 20 for row in undecided)


def test_times_of_a_host_that_was_not_fit_say_nothing(host: Host) -> None:
    host.fitness = Fitness(("under-voltage: the power supply is too weak",))
    host.slower = 1.5
    result = run(host)
    assert result.answer is Answer.INVALID
    assert result.reasons == ["under-voltage: the power supply is too weak"]
    host.changed = {"torn": 1}
    assert run(host).answer is Answer.REGRESSION  # torn is torn on any host


def test_a_symbol_that_is_gone_is_a_regression() -> None:
    less = Library("candidate", Path("b.so"), None, frozenset({"one"}), 1000)
    symbols, size = static_rows(BASELINE, less)
    assert (symbols.verdict, symbols.detail) == (RowVerdict.WORSE, "gone: two")
    assert size.verdict is RowVerdict.SAME
    more = Library("candidate", Path("b.so"), None, frozenset({"one", "two", "three"}), 2000)
    symbols, size = static_rows(BASELINE, more)
    assert symbols.verdict is RowVerdict.SAME
    assert size.verdict is RowVerdict.WORSE


def test_counts_have_a_margin() -> None:
    calls = next(metric for metric in COUNTED if metric.name == "writer_system_calls")
    host = Host()
    blocks = [host.run(Path(), Path("a.so"), Plan(None, 1)) for _ in range(3)]  # type: ignore[arg-type]
    assert counted_row(calls, blocks, blocks).verdict is RowVerdict.SAME
    for system_calls, verdict in ((210, RowVerdict.SAME), (230, RowVerdict.WORSE)):
        others = [
            Block(
                **{name: getattr(block, name) for name in Block.__slots__}
                | {"writer": tally(system_calls=system_calls)}
            )
            for block in blocks
        ]
        assert counted_row(calls, blocks, others).verdict is verdict


def test_a_leak_of_a_page_for_each_frame_is_beyond_its_margin() -> None:
    growth = next(metric for metric in COUNTED if metric.name == "memory_growth")
    host = Host()
    clean = [host.run(Path(), Path("a.so"), Plan(None, 1)) for _ in range(3)]  # type: ignore[arg-type]
    host.changed = {"grown_bytes": 4096 * 100}
    leaking = [host.run(Path(), Path("b.so"), Plan(None, 1)) for _ in range(3)]  # type: ignore[arg-type]
    assert counted_row(growth, clean, clean).verdict is RowVerdict.SAME
    assert counted_row(growth, clean, leaking).verdict is RowVerdict.WORSE


def test_a_promise_that_the_library_keeps_is_the_same() -> None:
    library = Library("this", BUILD / "libvideo_shm.so", None, frozenset(), None)
    assert promise_row("starts_where_it_is_told", library, library).verdict is RowVerdict.SAME


def test_a_library_that_can_not_be_loaded_keeps_no_promise(tmp_path: Path) -> None:
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"no library")
    good = Library("this", BUILD / "libvideo_shm.so", None, frozenset(), None)
    bad = Library("that", broken, None, frozenset(), None)
    row = promise_row("starts_where_it_is_told", good, bad)
    assert row.verdict is RowVerdict.WORSE and "can't load" in row.detail
    assert promise_row("starts_where_it_is_told", bad, bad).verdict is RowVerdict.AS_BEFORE


def test_better_is_higher_for_throughput() -> None:
    metric = next(metric for metric in TIMED if metric.name == "throughput")
    assert metric.log_ratio(100, 50) > 0 > metric.log_ratio(50, 100)


def test_what_was_dropped_is_no_throughput() -> None:
    metric = next(metric for metric in TIMED if metric.name == "throughput")
    block = Host().run(Path(), Path("a.so"), Plan(None, 0))  # type: ignore[arg-type]
    half = replace(block, refused=50, written=50)
    assert metric.value([half]) == pytest.approx((metric.value([block]) or 0) / 2)
