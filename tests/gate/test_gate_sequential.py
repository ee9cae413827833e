# SPDX-License-Identifier: Apache-2.0
"""The gate's error rates, on made-up sessions: heavy tails, drift, metrics that depend on each other."""

import math

import numpy as np
import pytest

pytest.importorskip("scipy", reason="no scipy for this processor")

from hil.gate.metrics import COUNTED, COUNTED_RUNS, TIMED
from hil.gate.sequential import FALSE_ALARM, Decision, Ruling, holm, interval, spent
from hil.gate.session import LOOKS

MARGINS = {metric.name: metric.margin for metric in TIMED}
GROUPS = 45  # of a session of usual length
SESSIONS = 1000


def session(chance: np.random.Generator, shift: float = 0.0, scale: float = 0.03) -> dict[str, np.ndarray]:
    """Groups A B B A of two libraries that are the same, but for shift: Student's t with 2 degrees of freedom, whose
    variance is infinite, half of it common to all metrics, on a host that drifts by a tenth over the session."""
    blocks = chance.standard_t(2, (len(MARGINS), GROUPS, 4)) + chance.standard_t(2, (1, GROUPS, 4))
    blocks = scale / 2 * blocks + np.linspace(0, 0.1, GROUPS * 4).reshape(GROUPS, 4)
    candidate = blocks[..., 1:3].mean(axis=2) - blocks[..., [0, 3]].mean(axis=2)
    return dict(zip(MARGINS, candidate + shift, strict=True))


def rule(samples: dict[str, np.ndarray]) -> tuple[Decision, float]:
    """Return what the gate would have said, and after which share of the session."""
    decision = Decision({name: MARGINS[name] for name in samples})
    for look in LOOKS:
        decision.look({name: values[: round(look * GROUPS)] for name, values in samples.items()}, look)
        if decision.is_clear:
            break
    return decision, look


def test_false_alarms_are_as_rare_as_promised() -> None:
    chance = np.random.default_rng(1)
    alarms = 0
    for _ in range(SESSIONS):
        decision, _ = rule(session(chance))
        alarms += Ruling.WORSE in decision.rulings.values()
    assert alarms <= FALSE_ALARM * SESSIONS


def test_false_alarms_are_as_rare_with_no_margin_to_help() -> None:
    """What the test and its corrections alone keep: a margin hides what they do wrong."""
    chance = np.random.default_rng(2)
    alarms = 0
    for _ in range(SESSIONS):
        samples = session(chance)
        decision = Decision(dict.fromkeys(samples, 0.0))
        for look in LOOKS:
            decision.look({name: values[: round(look * GROUPS)] for name, values in samples.items()}, look)
        alarms += Ruling.WORSE in decision.rulings.values()
    assert 0 < alarms <= FALSE_ALARM * SESSIONS + 3 * math.sqrt(FALSE_ALARM * SESSIONS)


def test_a_shift_in_one_metric_is_found_and_named() -> None:
    chance = np.random.default_rng(3)
    found = 0
    for _ in range(100):
        samples = session(chance)
        samples["write_p50"] = samples["write_p50"] + 0.12
        decision, _ = rule(samples)
        found += decision.rulings["write_p50"] is Ruling.WORSE
        assert decision.rulings["throughput"] is not Ruling.WORSE
    assert found >= 95


def test_a_gross_regression_ends_the_session_early() -> None:
    chance = np.random.default_rng(4)
    looks = [rule(session(chance, shift=math.log(2)))[1] for _ in range(20)]
    assert max(looks) <= 0.5


def test_what_is_the_same_is_said_to_be_the_same() -> None:
    chance = np.random.default_rng(5)
    same = sum(set(rule(session(chance, scale=0.01))[0].rulings.values()) == {Ruling.SAME} for _ in range(50))
    assert same >= 45


def test_what_lies_on_its_margin_is_undecided() -> None:
    chance = np.random.default_rng(6)
    said = []
    for _ in range(50):
        samples = session(chance)
        samples["latency_p50"] = samples["latency_p50"] + math.log1p(MARGINS["latency_p50"])
        said.append(rule(samples)[0].rulings["latency_p50"])
    assert said.count(Ruling.UNDECIDED) >= 40


def test_an_undecided_metric_tells_how_much_more_it_needs() -> None:
    """About so many does an answer take: a quarter of them seldom gives one, twice as many nearly always do."""
    chance = np.random.default_rng(7)
    margins, samples = {"a": 0.05}, chance.normal(0.0, 0.15, 60)
    needed = Decision(margins).samples_needed(samples, "a")
    answers = {}
    for factor in (0.25, 2):
        decisions = [Decision(margins) for _ in range(100)]
        for decision in decisions:
            decision.look({"a": chance.normal(0.0, 0.15, round(needed * factor))}, 0.3)
        answers[factor] = sum(decision.rulings["a"] is Ruling.SAME for decision in decisions)
    assert answers[0.25] <= 40
    assert answers[2] >= 90


def test_no_length_of_session_tells_what_lies_on_the_margin() -> None:
    samples = [math.log(1.05) + step for step in (-0.2, -0.1, 0, 0.1, 0.2)]
    assert Decision({"a": 0.05}).samples_needed(samples, "a") == math.inf


def test_few_samples_say_nothing() -> None:
    decision = Decision({"a": 0.05})
    assert decision.look({"a": [3.0] * 5}, 1.0) == {"a": Ruling.UNDECIDED}


def test_looks_go_on_in_time() -> None:
    decision = Decision({"a": 0.05})
    decision.look({"a": [0.0]}, 0.5)
    with pytest.raises(ValueError, match="after"):
        decision.look({"a": [0.0]}, 0.5)


def test_all_looks_together_spend_what_there_is() -> None:
    spans = [spent(0.01, end) - spent(0.01, begin) for begin, end in zip((0.0, *LOOKS), LOOKS, strict=False)]
    assert all(span > 0 for span in spans)
    assert sum(spans) == pytest.approx(0.01)


def test_all_kinds_of_metrics_together_keep_the_promised_rate() -> None:
    by_chance = 1 / math.comb(2 * COUNTED_RUNS, COUNTED_RUNS)
    assert FALSE_ALARM + len(COUNTED) * by_chance <= 0.01


def test_holm_shares_the_level_among_the_metrics() -> None:
    assert holm({"a": 0.004, "b": 0.004, "c": 0.2}, 0.01) == set()
    assert holm({"a": 0.003, "b": 0.004, "c": 0.2}, 0.01) == {"a", "b"}
    assert holm({"a": 0.003, "b": 0.006, "c": 0.009}, 0.01) == {"a"}


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance = np.random.default_rng(8)
    held = 0
    for seed in range(200):
        found = interval(list(math.log(1.2) + 0.05 * chance.standard_t(3, 30)), seed)
        assert found.low <= found.ratio <= found.high
        held += found.low <= 1.2 <= found.high
    assert 0.90 <= held / 200 <= 1.0
