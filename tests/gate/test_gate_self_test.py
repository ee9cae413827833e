# SPDX-License-Identifier: Apache-2.0
"""The gate's measurement of itself: what is kept of it, and what is said of it."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="no scipy for this processor")

from rich.console import Console

from hil.gate import self_test, self_test_report
from hil.gate.defects import Defect
from hil.gate.metrics import TIMED
from hil.gate.permutations import false_alarms, power
from hil.gate.result import Answer, Result, Row, RowVerdict
from hil.gate.state import State, fingerprint

PERMUTATIONS = 100
DEFECTS = [
    Defect("slow", Path("slow.patch"), "it is slow", seen_by=("write_p50",)),
    Defect("weak", Path("weak.patch"), "it is weak", model="P9 weakened", why="this processor keeps order"),
]


def session(*worse: str, groups: int = 48) -> Result:
    made = Result("a", "b", "standard", "generic", {}, answer=Answer.NO_REGRESSION, seconds=60, groups=groups)
    made.rows = [Row(name, "timed", RowVerdict.WORSE, samples=[0.5] * groups) for name in worse]
    made.answer = Answer.REGRESSION if worse else Answer.NO_REGRESSION
    return made


PAIRS = 6  # of blocks in a group


def samples(shift: float = 0.0, groups: int = 160) -> dict[str, list[float]]:
    chance = np.random.default_rng(1)
    counts = {metric.name: groups * (1 if metric.blocks_of_sample is None else PAIRS) for metric in TIMED}
    return {name: list(0.02 * chance.standard_t(3, count) + shift) for name, count in counts.items()}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setattr(self_test_report, "PERMUTATIONS", PERMUTATIONS)
    return State(tmp_path / "state.jsonl", "source")


def said(state: State, *parts: str) -> tuple[int, str]:
    out = StringIO()
    code = self_test_report.report(state, parts, DEFECTS, Console(file=out, width=160))
    return code, out.getvalue()


# ---- state ----


def test_steps_are_kept_and_read_again(state: State) -> None:
    state.add("session 1", session())
    state.add("defect slow", session("write_p50"))
    again = State.read(state.path, "source")
    assert again.steps == state.steps
    assert again.steps["defect slow"]["worse"] == ["write_p50"]


def test_a_step_that_was_cut_off_is_done_again(state: State) -> None:
    state.add("session 1", session())
    with state.path.open("a") as file:
        file.write('{"step": "session 2", "sou')
    again = State.read(state.path, "source")
    assert list(again.steps) == ["session 1"]
    again.add("session 2", session())
    assert list(State.read(state.path, "source").steps) == ["session 1", "session 2"]


def test_steps_of_another_library_are_refused(state: State) -> None:
    state.add("session 1", session())
    with pytest.raises(ValueError, match="another library"):
        State.read(state.path, "other")


@pytest.mark.parametrize("text", ["no json\n", "[]\n", "{}\n", json.dumps({"step": "x"}) + "\n"])
def test_what_is_no_state_is_refused(state: State, text: str) -> None:
    state.path.write_text(text)
    with pytest.raises(ValueError, match="no state"):
        State.read(state.path, "source")


def test_the_fingerprint_is_of_the_sources(tmp_path: Path) -> None:
    names = (
        "lib/src/x.c",
        "lib/include/x.h",
        "lib/CMakeLists.txt",
        "hil/gate/x.py",
        "hil/blocks/worker/x.c",
        "hil/figures/statistic.py",
        "tests/defects/x.patch",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    before = fingerprint(tmp_path, 5.0, "generic")
    assert fingerprint(tmp_path, 5.0, "generic") == before
    assert fingerprint(tmp_path, 6.0, "generic") != before
    for name in names:
        (tmp_path / name).write_text("two")
        after = fingerprint(tmp_path, 5.0, "generic")
        assert after != before
        before = after


def test_what_was_invalid_is_not_done(state: State) -> None:
    invalid = session()
    invalid.answer = Answer.INVALID
    state.add("session 1", invalid)
    state.add("defect slow", invalid)
    assert state.answered("session 1") is None and state.answered("session 2") is None
    code, text = said(state, "defects")
    assert code == 3 and "not tried yet" in text
    state.add("session 1", session())
    assert State.read(state.path, "source").answered("session 1")


def test_where_no_state_can_be_kept_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        State.read(tmp_path / "absent" / "state.jsonl", "source")


@pytest.mark.parametrize(
    ("unfit", "attempts", "answer"), [(0, 1, "regression"), (2, 3, "regression"), (9, 3, "invalid")]
)
def test_what_an_unfit_host_made_invalid_is_tried_again(unfit: int, attempts: int, answer: str) -> None:
    tries = list[Result]()

    def step() -> Result:
        made = session("write_p50")
        made.answer = Answer.INVALID if len(tries) < unfit else made.answer
        tries.append(made)
        return made

    assert self_test._valid(step, Console(file=StringIO())).answer == answer
    assert len(tries) == attempts


# ---- permutations ----


def test_permuted_labels_of_the_same_give_few_alarms() -> None:
    assert false_alarms(samples(), 40, 200) <= 2


def test_permuting_takes_a_shift_out() -> None:
    """The labels are permuted within each group: what differs between the sides is no longer on one side."""
    shifted = samples(shift=0.3)
    assert power(shifted, 40, 20) == 1.0
    assert false_alarms(shifted, 40, 100) <= 2


def test_a_session_longer_than_what_was_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than"):
        false_alarms(samples(groups=20), 40, 10)


def test_power_grows_with_the_shift() -> None:
    weak, strong = power(samples(shift=0.01), 40, 50), power(samples(shift=0.15), 40, 50)
    assert weak < strong
    assert strong >= 0.95


# ---- what is said ----


def test_a_defect_that_is_found_is_named_with_its_metric(state: State) -> None:
    state.add("defect slow", session("write_p50", "latency_p50"))
    code, text = said(state, "defects")
    assert code == 0
    assert "write_p50, latency_p50" in text and "60 s" in text
    assert "by the model" in text and "P9 weakened" in text


def test_a_defect_that_is_missed_fails(state: State) -> None:
    state.add("defect slow", session())
    code, text = said(state, "defects")
    assert code == 1 and "NO" in text


def test_what_only_others_see_fails_and_is_said(state: State) -> None:
    state.add("defect slow", session("torn"))
    code, text = said(state, "defects")
    assert code == 1 and "by others only" in text


def test_what_is_not_done_yet_is_no_success(state: State) -> None:
    for part in ("permutations", "sessions", "defects", "delays"):
        assert said(state, part)[0] == 3


def test_one_false_alarm_in_twenty_sessions_fails(state: State) -> None:
    for number in range(1, 21):
        state.add(f"session {number}", session(*["torn"] * (number == 7)))
    code, text = said(state, "sessions")
    assert code == 1 and "1 false alarms in 20" in text


@pytest.mark.parametrize(
    ("answer", "count", "code"),
    [(Answer.INCONCLUSIVE, 10, 0), (Answer.INCONCLUSIVE, 11, 1), (Answer.INVALID, 1, 3), (Answer.INVALID, 40, 3)],
)
def test_sessions_without_an_answer_show_nothing(state: State, answer: Answer, count: int, code: int) -> None:
    for number in range(1, self_test_report.REAL_SESSIONS + 1):
        made = session()
        made.answer = answer if number <= count else made.answer
        state.add(f"session {number}", made)
    assert said(state, "sessions")[0] == code


def test_a_small_delay_that_was_found_by_luck_is_not_the_smallest(state: State) -> None:
    for delay_us, shift in ((1, 0.4), (2, 0.0), (5, 0.2), (10, 0.4)):
        state.add(f"delay {delay_us}", session(groups=40))
        state.steps[f"delay {delay_us}"]["samples"] = samples() | {"latency_p50": samples(shift)["latency_p50"]}
    assert "in every write that is found with 95% power: 5 us" in said(state, "delays")[1]


def test_the_smallest_delay_that_is_found_is_told(state: State) -> None:
    for delay_us, shift in ((1, 0.0), (2, 0.02), (5, 0.2), (10, 0.4)):
        state.add(f"delay {delay_us}", session(groups=40))
        state.steps[f"delay {delay_us}"]["samples"] = samples() | {"latency_p50": samples(shift)["latency_p50"]}
    code, text = said(state, "delays")
    assert code == 0
    assert "in every write that is found with 95% power: 5 us" in text
    assert "by latency alone that is found with 95% power: 5 us" in text


def test_what_else_finds_a_delay_is_not_latency(state: State) -> None:
    for delay_us, shift in ((1, 0.0), (2, 0.02), (5, 0.02), (10, 0.4)):
        state.add(f"delay {delay_us}", session(groups=40))
        slower = {"latency_p50": samples(shift)["latency_p50"], "write_p50": samples(0.4)["write_p50"]}
        state.steps[f"delay {delay_us}"]["samples"] = samples() | slower
    text = said(state, "delays")[1]
    assert "in every write that is found with 95% power: 1 us" in text
    assert "by latency alone that is found with 95% power: 10 us" in text


def test_permutations_are_reported(state: State) -> None:
    state.add("long", session(groups=160))
    state.steps["long"]["samples"] = samples()
    code, text = said(state, "permutations")
    assert code == 0 and "0 false alarms in 100 sessions of 40 groups" in text
