# SPDX-License-Identifier: Apache-2.0
"""A session on made-up blocks: its order, when it ends, and what it makes of them."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="no scipy for this processor")

from gate_host import BASELINE, CANDIDATE, RARE_NS, Host

from hil.blocks.block import BlockError, BlockPlan
from hil.blocks.schedule import standard
from hil.figures.verdict import Fitness
from hil.gate import session as session_module
from hil.gate.metrics import TIMED, Phase
from hil.gate.phases import Side, order, plans, turns
from hil.gate.result import Answer, Result, RowVerdict
from hil.gate.session import Session
from hil.host import foreign_load
from hil.host.board import find_board


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
    def paced(phases: dict[Phase, BlockPlan]) -> list[Side]:
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


def test_stalls_of_the_host_spoil_single_pairs_and_not_their_groups(host: Host) -> None:
    """Of twelve blocks in a group, three have a stall: most groups have more of them on one side than on the other."""
    host.stalls = 0.25
    result = run(host, seconds=400.0)
    assert next(row for row in result.rows if row.name == "latency_p99").verdict is RowVerdict.SAME
    of_pairs = {len(row.samples) for row in result.rows if row.name in ("latency_p50", "writer_cpu", "paced_missed")}
    assert of_pairs == {6 * result.groups}
    assert len(next(row for row in result.rows if row.name == "throughput").samples) == result.groups


def test_it_is_said_where_other_programs_got_in_the_way(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_load, "share", lambda *_: 0.0)
    assert session_module.NOT_AHEAD not in run(host).remarks
    monkeypatch.setattr(foreign_load, "share", lambda *_: 0.5)
    assert session_module.NOT_AHEAD in run(host).remarks
    host.real_time = True
    assert session_module.NOT_AHEAD not in run(host).remarks


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
    assert [row.name for row in run(host).of(RowVerdict.WORSE)] == ["paced_missed"]


def test_a_figure_that_only_the_candidate_fails_to_give_is_worse(host: Host) -> None:
    host.without_cpu = "b.so"
    rows = {row.name: row.detail for row in run(host).of(RowVerdict.WORSE)}
    assert rows == dict.fromkeys(("writer_cpu",), "the candidate gave no figure")
    host.without_cpu = "a.so"
    row = next(row for row in run(host).rows if row.name == "writer_cpu")
    assert row.verdict is RowVerdict.UNMEASURED


def test_a_figure_that_is_often_missing_is_not_judged_by_the_rest(host: Host) -> None:
    host.often_without_cpu = True
    row = next(row for row in run(host).rows if row.name == "writer_cpu")
    assert row.verdict is RowVerdict.UNDECIDED
    assert row.detail.startswith("the candidate gave no figure in ")


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


def test_better_is_higher_for_throughput() -> None:
    metric = next(metric for metric in TIMED if metric.name == "throughput")
    assert metric.log_ratio(100, 50) > 0 > metric.log_ratio(50, 100)


def test_what_was_dropped_is_no_throughput() -> None:
    metric = next(metric for metric in TIMED if metric.name == "throughput")
    block = Host().run(Path(), Path("a.so"), BlockPlan(None, 0))  # type: ignore[arg-type]
    half, none = replace(block, refused=50, written=50), replace(block, refused=100, written=0)
    rate = metric.value([block]) or 0
    assert metric.value([half]) == pytest.approx(rate / 2)
    assert metric.value([none]) == 0
    assert metric.log_ratio(rate, 0) > 1  # a pair that counts, and says that it is worse
