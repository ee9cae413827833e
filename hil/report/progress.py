# SPDX-License-Identifier: Apache-2.0
"""Shows the progress of a session by its part files: a bar with the time left, or a line per test that has ended."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vshm_ctypes.commandline.output import can_redraw
from vshm_ctypes.printable import printable

from . import figures
from .recorder import PARTS
from .words import VERDICTS

LOOK_EVERY_S = 0.5


class Progress:
    """Reports on stderr during a block. expected_s: how long each test took in an earlier run, by its name."""

    def __init__(self, report: Path, session: str, expected_s: Mapping[str, float]) -> None:
        self._folder = report / PARTS / session
        self._expected_s = expected_s
        self._ended: dict[Path, dict[str, Any]] = {}
        self._running: dict[str, Any] | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)
        self._shown: Any = None  # rich's bar, if stderr is a terminal

    def __enter__(self) -> Self:
        if can_redraw(sys.stderr):
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            columns = (BarColumn(bar_width=24), TextColumn("{task.fields[told]}"))
            self._shown = Bar(*columns, console=Console(stderr=True), transient=True)
            self._shown.start()
            self._shown.add_task("run", total=None, told="starting")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()
        if self._shown is not None:
            self._shown.stop()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        ended = []
        for path in set((self._folder / "tests").glob("*.json")) - set(self._ended):
            with contextlib.suppress(OSError, ValueError):
                test = json.loads(path.read_text(encoding="utf-8"))
                if test["outcome"] == "interrupted":  # or it still runs
                    self._running = test
                else:
                    self._ended[path] = test
                    ended.append(test)
        for test in sorted(ended, key=lambda test: test["begin_ns"]):
            self._tell(test)
        if self._shown is not None:
            self._shown.update(0, total=self._planned_s(), completed=self.spent_s(), told=self._told())

    def _tell(self, test: dict[str, Any]) -> None:
        verdict = VERDICTS[test["verdict"] or "skipped"]
        line = f"{verdict:<8}{figures.duration(test['seconds']):>10}  {printable(test['claim'])}"
        if self._shown is not None:
            self._shown.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)

    def _streams(self) -> dict[str, tuple[float, float]]:
        """Return for each running test how many seconds of its stream have passed, and how many are left."""
        streams = {}
        for path in (self._folder / "streams").glob("*.json"):
            with contextlib.suppress(OSError, ValueError):
                far = json.loads(path.read_text(encoding="utf-8"))
                streams[far["test"]] = far["passed_s"], far["seconds"] - far["passed_s"]
        return {name: far for name, far in streams.items() if name not in self._done()}

    def _done(self) -> set[str]:
        return {test["name"] for test in self._ended.values()}

    def _names(self) -> set[str]:
        names: set[str] = set()
        for path in (self._folder / "planned").glob("*.json"):
            with contextlib.suppress(OSError, ValueError):
                names |= set(json.loads(path.read_text(encoding="utf-8")))
        return names

    def _each_s(self, name: str) -> float:
        """Return how long a test will take: as before, else as the others on average."""
        done: list[float] = [test["seconds"] for test in self._ended.values()]
        return self._expected_s.get(name, sum(done) / len(done) if done else 5.0)

    def left_s(self) -> float:
        """Return an estimate of how long the rest will take, in seconds."""
        streams = self._streams()
        return sum(streams[name][1] if name in streams else self._each_s(name) for name in self._names() - self._done())

    def spent_s(self) -> float:
        """Return how long the finished tests took, plus the passed time of running streams, in seconds."""
        ended: list[float] = [test["seconds"] for test in self._ended.values()]
        return sum(ended) + sum(passed_s for passed_s, _ in self._streams().values())

    def _planned_s(self) -> float:
        return self.spent_s() + self.left_s()

    def _told(self) -> str:
        done, names = self._done(), self._names()
        if not names:
            return "starting"
        running = self._running
        claim = printable(running["claim"])[:48] if running and running["name"] not in done else ""
        return f"{len(done & names)} of {len(names)}, {figures.duration(round(self.left_s()))} left  {claim}"
