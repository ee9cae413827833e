# SPDX-License-Identifier: Apache-2.0
"""Behaviours are found by name, and plan what is done to a consumer within its run."""

import random

import pytest

from hil.workers.behaviours import BEHAVIOURS, behaviour
from hil.workers.consumers import Consumer


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_every_behaviour_is_known_by_its_name(name: str) -> None:
    assert behaviour(name).name == name


@pytest.mark.parametrize("words", ["lazy", "slow:x", "slow:1,2", "bursty:1,2,3", "slow:-1", "late:nan", "steady:1"])
def test_what_is_none_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match=words.partition(":")[0]):
        behaviour(words)


def test_numbers_are_taken() -> None:
    assert behaviour("slow:7.5").work_ms == 7.5
    assert (behaviour("bursty:9,70").burst_frames, behaviour("bursty:9,70").pause_ms) == (9, 70)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_all_that_is_planned_lies_within_the_run(name: str) -> None:
    for seed in range(20):
        deeds = behaviour(name).plan(10, random.Random(seed))
        assert [deed for deed in deeds if not 0 < deed.at_s < 10] == []
        assert sorted(deeds, key=lambda deed: deed.at_s) == deeds


def test_the_same_seed_gives_the_same_crash() -> None:
    crash = behaviour("crashes")
    assert crash.plan(10, random.Random(1)) == crash.plan(10, random.Random(1)) != crash.plan(10, random.Random(2))


@pytest.mark.parametrize("words", ["perl", "c@decoding", "example@slow", "recorder@bursty", "c@lazy"])
def test_a_consumer_that_can_not_be_is_refused(words: str) -> None:
    with pytest.raises(ValueError):
        Consumer.parse(words)


def test_a_consumers_name_tells_kind_and_behaviour() -> None:
    assert Consumer.parse("borrow@slow:5").name == "borrow-slow"
    assert Consumer.parse("newest").name == "newest"
