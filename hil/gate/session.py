# SPDX-License-Identifier: Apache-2.0
"""Runs one session: two libraries, block by block in turn, until the answer is clear or the time is up."""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vshm_ctypes import machine

from ..blocks.block import Block, BlockError, BlockPlan
from ..blocks.schedule import Schedule, standard
from ..host import foreign_load
from ..host.board import Board
from ..host.fitness import fitness_of, not_told
from ..host.hiccup import Hiccups
from ..host.machine_record import machine_record
from ..host.progress import Tell
from .asking import obstacle_of, promise_rows
from .bindings import binding_rows
from .camera import run_any
from .correctness import NO_FIGURE, counted_rows, static_rows, wrapper_remarks
from .libraries import Library
from .metrics import COUNTED_RUNS, INTEGRITY, TIMED, Metric, Phase
from .mixed import mixed_rows
from .phases import PACED_RATE, READERS, Side, order, plans, turns
from .programs import program_rows
from .promises import PROMISES
from .promises.troupe import Told
from .result import Result, Row, RowVerdict
from .sequential import LEAST_SAMPLES, Decision, Ruling, interval

LOOKS = (0.3, 0.45, 0.6, 0.75, 0.9, 1.0)
TRACED_FRAMES, TRACED_RATE = 60, 200.0
GROUPS_TO_JUDGE_BY = 20
NOT_AHEAD = "other programs could get in the way of blocks: for root, or with `ulimit -r 1`, they can't"
MISSING_SHARE = 0.25  # figures for each group that only the candidate fails to give: if there are more, it matters


@dataclass
class Session:
    """A session on one host. seconds: for all of it. thorough: whether to continue after something was found worse.

    run() raises BlockError if the baseline does not work.
    """

    program: Path
    baseline: Library
    candidate: Library
    board: Board
    seconds: float
    source: Schedule | None = None
    camera: str = ""
    thorough: bool = False
    tell: Tell = lambda what, share: None
    run_one: Callable[[Path, Path, BlockPlan], Block] = run_any
    clock: Callable[[], float] = time.monotonic
    samples: dict[str, list[float]] = field(default_factory=lambda: {metric.name: [] for metric in TIMED}, init=False)
    values: dict[Side, dict[str, list[float]]] = field(init=False)
    paced: dict[Side, list[Block]] = field(default_factory=lambda: {"baseline": [], "candidate": []}, init=False)
    faults: dict[str, int] = field(default_factory=dict, init=False)
    answers: dict[str, Told] = field(default_factory=dict, init=False)  # the candidate's, alone
    crash: str = field(default="", init=False)
    blocks: int = field(default=0, init=False)  # completed ones
    disturbed: int = field(default=0, init=False)  # those that were to run ahead of other programs, and might not

    def __post_init__(self) -> None:
        self.values = {side: {metric.name: [] for metric in TIMED} for side in ("baseline", "candidate")}
        self._begin = self.clock()

    def run(self) -> Result:
        """Run the session."""
        name = self.source.name if self.source else self.camera or standard(2, PACED_RATE).name
        before = machine.read_machine()
        result = Result(
            self.baseline.label,
            self.candidate.label,
            name,
            self.board.name,
            {"before": machine_record(before)},
            self.baseline.commit,
            self.candidate.commit,
            budget_s=self.seconds,
        )
        result.rows += static_rows(self.baseline, self.candidate)
        result.remarks += wrapper_remarks(self.baseline, self.candidate)
        if obstacle := obstacle_of(self.baseline, self.candidate):
            result.reasons.append(obstacle)
            result.rows += [Row("loads_here", "static", RowVerdict.INVALID, detail=obstacle), *self._promises()]
            result.conclude()
            return result
        for step in (self._promises, self._mixed, self._counted):
            if self._goes_on(result.rows):
                result.rows += step()
        if self._goes_on(result.rows):
            load = foreign_load.read_usage()
            with Hiccups() as hiccups:
                decision, result.groups = self._timed()
                seen = hiccups.take()
            # Pairs in turn tolerate single stalls, however long, and other load, but not a host that was slowed down.
            thresholds = self.board.fitness.bearing_single_stalls()
            fitness = fitness_of(seen, 0.0, before, machine.read_machine(), thresholds)
            result.reasons += fitness.reasons
            others = foreign_load.remark(foreign_load.share(load, foreign_load.read_usage()))
            result.remarks += not_told(before) + others + ([NOT_AHEAD] if others and self.disturbed else [])
            result.rows += self._timed_rows(decision, result.groups, fitness.fit)
        result.rows += self._integrity_rows()
        result.machine["after"] = machine_record(machine.read_machine())
        result.seconds = self.clock() - self._begin
        result.conclude()
        return result

    def _goes_on(self, rows: Sequence[Row]) -> bool:
        broken = self.faults or any(row.verdict is RowVerdict.WORSE for row in rows)
        return not self.crash and (self.thorough or not broken)

    # ---- correctness ----

    def _promises(self) -> Iterator[Row]:
        return promise_rows(list(PROMISES), self.baseline, self.candidate, self._teller("promise", 0.0), self.answers)

    def _mixed(self) -> Iterator[Row]:
        yield from mixed_rows(self.answers, self.baseline, self.candidate, self._teller("mixed builds", 0.05))
        yield from program_rows(self.answers, self.baseline, self.candidate)
        yield from binding_rows(self.baseline, self.candidate)

    def _teller(self, what: str, begin: float) -> Callable[[str], None]:
        known = itertools.count(1)
        self.tell(what, begin)

        def tell(name: str) -> None:
            self.tell(f"{what}: {name.replace('_', ' ')}", begin + 0.05 * min(1.0, next(known) / len(PROMISES)))

        return tell

    def _counted(self) -> list[Row]:
        self.tell("counting system calls, memory, descriptors", 0.1)
        plan = BlockPlan(standard(TRACED_FRAMES, TRACED_RATE), READERS, paced=True, traced=True)
        blocks: dict[Side, list[Block]] = {"baseline": [], "candidate": []}
        for number in range(COUNTED_RUNS):
            for side in order(number)[:2]:
                block = self._block(side, plan)
                if block is None:
                    return []
                blocks[side].append(block)
        return counted_rows(blocks["baseline"], blocks["candidate"])

    def _integrity_rows(self) -> list[Row]:
        """Return the integrity rows over all blocks. Without any block nothing is known."""
        kept = RowVerdict.SAME if self.blocks else RowVerdict.UNMEASURED
        rows = []
        for name, meaning in INTEGRITY.items():
            count = self.faults.get(name, 0)
            row = Row(name, "integrity", RowVerdict.WORSE if count else kept, candidate=count if self.blocks else None)
            row.detail = meaning if count else ""
            rows.append(row)
        if self.crash:
            rows.append(Row("crashed", "integrity", RowVerdict.WORSE, detail=self.crash))
        return rows

    def _block(self, side: Side, plan: BlockPlan) -> Block | None:
        """Run a block.

        Returns None if the candidate failed, which is noted. Raises BlockError if the baseline fails too.
        """
        try:
            library = self.candidate if side == "candidate" else self.baseline
            block = self.run_one(self.program, library.path, plan)
        except BlockError as error:
            if side == "candidate":
                self._block("baseline", plan)  # without memory, or with an unplugged camera, the baseline fails too
                self.crash = str(error)
                return None
            raise BlockError(f"the baseline does not work, so nothing can be held against it: {error}") from None
        self.blocks += 1
        if side == "candidate":
            for name, count in block.faults().items():
                self.faults[name] = self.faults.get(name, 0) + count
        return block

    # ---- times ----

    def _timed(self) -> tuple[Decision, int]:
        begin = self.clock()
        budget = max(1.0, self.seconds - (begin - self._begin))
        decision, looks, groups = Decision({}), list(LOOKS), 0
        while looks and not self.crash and (self.thorough or not self.faults):
            self.tell(f"group {groups + 1} of blocks", min(1.0, 0.15 + 0.85 * (self.clock() - begin) / budget))
            self._group(groups)
            groups += 1
            share = (self.clock() - begin) / budget
            if share < looks[0]:
                continue
            if looks == list(LOOKS):  # the set of metrics is fixed before the first look
                decision = Decision({metric.name: metric.margin for metric in TIMED if self.samples[metric.name]})
            looks = [look for look in looks if look > share]
            decision.look(self.samples, min(share, 1.0))
            if decision.is_clear and not self.thorough:
                break
        self._timed_seconds = self.clock() - begin
        return decision, groups

    def _group(self, group: int) -> None:
        phases = plans(self.source, group, self.camera)
        blocks: dict[Phase, list[tuple[Side, Block]]] = {phase: [] for phase in phases}
        for side, phase, plan in turns(group, phases):
            block = self._block(side, plan)
            if block is None:
                return
            blocks[phase].append((side, block))
            self.disturbed += plan.real_time and not block.real_time
            if phase == "paced":
                self.paced[side].append(block)
        for metric in TIMED:
            of_phase = blocks[metric.phase]
            count = metric.blocks_of_sample or len(of_phase)
            for at in range(0, len(of_phase), count):
                self._sample(metric, of_phase[at : at + count])

    def _sample(self, metric: Metric, blocks: Sequence[tuple[Side, Block]]) -> None:
        """Take a sample of a metric, from blocks of both sides."""
        pair = {side: metric.value([block for of, block in blocks if of == side]) for side in self.values}
        for side, value in pair.items():
            if value is not None:
                self.values[side][metric.name].append(value)
        ours, theirs = pair["baseline"], pair["candidate"]
        if ours is not None and theirs is not None and min(ours, theirs) + metric.floor > 0:
            self.samples[metric.name].append(metric.log_ratio(ours, theirs))

    def _timed_rows(self, decision: Decision, groups: int, fit: bool) -> list[Row]:
        rows = [self._timed_row(metric, decision, groups) for metric in TIMED]
        for row in rows:
            if not fit and row.verdict is not RowVerdict.UNMEASURED:
                row.verdict = RowVerdict.INVALID
        return rows

    def _timed_row(self, metric: Metric, decision: Decision, groups: int) -> Row:
        samples = self.samples[metric.name]
        ruling = decision.rulings.get(metric.name, Ruling.UNDECIDED)
        row = Row(metric.name, "timed", RowVerdict(ruling), metric.unit, margin=metric.margin, samples=samples)
        row.baseline, row.candidate = self._figure(metric, "baseline"), self._figure(metric, "candidate")
        ours, theirs = (len(self.values[side][metric.name]) for side in ("baseline", "candidate"))
        if not samples:
            is_gone = ours >= LEAST_SAMPLES and theirs == 0  # fewer may be a glitch of the host
            row.detail = NO_FIGURE if is_gone else ""
            row.verdict = RowVerdict.WORSE if is_gone else RowVerdict.UNMEASURED
            return row
        if len(samples) > 1:
            row.ratio, row.low, row.high = interval(samples)
        if ours - theirs > MISSING_SHARE * groups and row.verdict is RowVerdict.SAME:
            row.verdict, row.detail = RowVerdict.UNDECIDED, f"{NO_FIGURE} in {ours - theirs} of {ours} samples"
        elif ruling is Ruling.UNDECIDED:
            # From a few groups the variation is unknown.
            few = metric.name not in decision.rulings or groups < GROUPS_TO_JUDGE_BY
            share = GROUPS_TO_JUDGE_BY / groups if few else decision.samples_needed(samples, metric.name) / len(samples)
            row.needed_s = share * self._timed_seconds if math.isfinite(share) else None
        return row

    def _figure(self, metric: Metric, side: Side) -> float | None:
        """Return the figure of the whole session."""
        if metric.is_tail:
            return metric.value(self.paced[side])
        values = self.values[side][metric.name]
        return statistics.median(values) if values else None
