# SPDX-License-Identifier: Apache-2.0
"""Boards are recognised, their files are checked, and their budgets are found."""

import re
from pathlib import Path

import pytest

from hil.figures.verdict import Verdict
from hil.host.board import FOLDER, BoardError, choose_board, find_board, known_boards, read_board, recognise_board

GENERIC = (FOLDER / "generic.toml").read_text()


def machine(root: Path, model: str | None = None, command_line: str = "quiet ro") -> Path:
    (root / "proc/device-tree").mkdir(parents=True)
    (root / "proc/cmdline").write_text(command_line + "\n")
    if model is not None:
        (root / "proc/device-tree/model").write_text(model + "\0")
    return root


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Raspberry Pi 5 Model B Rev 1.0", "pi5"),
        ("Raspberry Pi Compute Module 5 Rev 1.0", "pi5"),
        ("Raspberry Pi 4 Model B Rev 1.4", "pi4"),
        ("Raspberry Pi 400 Rev 1.0", "pi4"),
        ("Raspberry Pi Compute Module 4 Rev 1.1", "pi4"),
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "pi3"),
        ("Raspberry Pi Zero 2 W Rev 1.0", "pi3"),
        ("Raspberry Pi 2 Model B Rev 1.1", "generic"),
        ("Radxa ROCK 5B", "generic"),
        (None, "generic"),
    ],
)
def test_a_board_is_known_by_its_model(tmp_path: Path, model: str | None, name: str) -> None:
    assert recognise_board(machine(tmp_path, model)).name == name


def test_the_virtual_machine_is_known_by_its_kernel_arguments(tmp_path: Path) -> None:
    words = "console=hvc0 virtme_hostname=virtme-ng init=/usr/lib/virtme/guest/virtme-init"
    assert recognise_board(machine(tmp_path, None, words)).name == "vivid-vm"


def test_what_is_asked_for_goes_before_what_is_there(tmp_path: Path) -> None:
    mine = tmp_path / "bench 3.toml"
    mine.write_text(GENERIC.replace("machine of no known kind", "Our bench"))
    assert choose_board("pi4").name == "pi4"
    assert choose_board(str(mine)).title == "Our bench"
    with pytest.raises(BoardError, match="no board pi9: there are generic, pi3"):
        choose_board("pi9")


def test_every_board_that_comes_along_has_the_same_budgets() -> None:
    # A budget that only one file has would make a test that asks for it fail on all other boards.
    budgets = {name: set(find_board(name).budgets) for name in known_boards()}
    assert all(keys == budgets["generic"] for keys in budgets.values()), budgets


def test_no_real_board_claims_figures_that_nobody_measured() -> None:
    assert not any(find_board(name).proven for name in ("pi3", "pi4", "pi5"))


def test_a_budget_is_a_limit_in_its_unit() -> None:
    board = find_board("generic")
    key = f"{board.latency_key(4)}.p99_us"
    limit = board.budget(key)
    figure = board.measurement(key, "p99 latency", limit)
    assert (figure.unit, figure.at_most, figure.budget, figure.timed) == ("µs", limit, "latency.none.4.p99_us", True)
    assert figure.verdict() is Verdict.PASS
    assert board.measurement(key, "p99 latency", limit + 1).verdict() is Verdict.FAIL
    with pytest.raises(BoardError, match=r"no budget cost\.nothing_us"):
        board.measurement("cost.nothing_us", "nothing", 1)


@pytest.mark.parametrize(
    ("consumers", "load", "key"),
    [
        (1, "none", "latency.none.1"),
        (3, "none", "latency.none.4"),
        (10, "none", "latency.none.10"),
        (1, "cpu", "latency.any.4"),
        (5, "memory", "latency.any.10"),
    ],
)
def test_the_next_larger_fleet_has_the_budget(consumers: int, load: str, key: str) -> None:
    assert find_board("generic").latency_key(consumers, load) == key


def test_a_fleet_larger_than_any_has_none() -> None:
    with pytest.raises(BoardError, match="for 11 consumers under load none"):
        find_board("generic").latency_key(11)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("proven = false", 'proven = "no"', r"\$\.proven"),
        ("proven = false", "", "'proven' is a required property"),
        ("proven = false", "prooven = true", "prooven"),
        ("fps = 30", "fps = 0", r"\$\.stream\.fps"),
        ("steal_share = 0.05", "steal_share = 5", r"\$\.fitness\.steal_share"),
        ("p50_us = 400", 'p50_us = "fast"', r"\$\.budgets\.latency\.none"),
        ("max_us = 10000", "", "max_us"),
        ("[budgets.latency.none.1]", "[budgets.latency.none.many]", "many"),
        ("ring_us_per_frame", "ring_cost", "ring_cost"),
        ("growth_kb = 1024", "growth_kb = nan", "growth_kb"),
        ("title =", "title", "line 3"),
    ],
)
def test_a_board_file_with_a_mistake_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GENERIC
    path = tmp_path / "mine.toml"
    path.write_text(GENERIC.replace(old, new, 1))
    with pytest.raises(BoardError, match=told) as error:
        read_board(path)
    assert re.match(f"{path}: ", str(error.value))
