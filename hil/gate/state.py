# SPDX-License-Identifier: Apache-2.0
"""The results of a self-test so far, a line of JSON for each step, so that an interrupted one can be continued."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vshm_ctypes.commandline.atomic_file import write_whole

from .result import Answer, Result, RowVerdict

SOURCES = (
    "lib/src/*.[ch]",
    "lib/include/*.h",
    "lib/CMakeLists.txt",
    "hil/gate/**/*.py",
    "hil/blocks/*.py",
    "hil/blocks/worker/*.[ch]",
    "hil/figures/statistic.py",
    "tests/defects/*",
)


def fingerprint(root: Path, *settings: object) -> str:
    """Return a fingerprint of library, gate and settings. Steps with another fingerprint do not count."""
    digest = hashlib.sha256(repr(settings).encode())
    for path in sorted(path for pattern in SOURCES for path in root.glob(pattern)):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass
class State:
    """The finished steps by name. source: their fingerprint."""

    path: Path
    source: str
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, source: str) -> State:
        """Read the file, without an incomplete last line.

        Raises ValueError if it is none, or of another fingerprint.
        """
        state = cls(path, source)
        path.touch()  # an unwritable file is reported before hours of measuring
        text = path.read_text()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            write_whole(path, whole)
        for line in whole.splitlines():
            try:
                step = json.loads(line)
                name, of = step["step"], step["source"]
            except (ValueError, TypeError, KeyError):
                raise ValueError(f"{path}: no state of a self-test") from None
            if of != source:
                raise ValueError(
                    f"{path}: its steps are of another library, gate, --minutes or --board: give another --state"
                )
            state.steps[name] = step
        return state

    def answered(self, name: str) -> dict[str, Any] | None:
        """Return a step that has an answer, which INVALID is not, or None."""
        step = self.steps.get(name)
        return None if step is None or step["answer"] == Answer.INVALID else step

    def add(self, name: str, result: Result) -> None:
        """Store a session. Raises OSError."""
        step = {
            "step": name,
            "source": self.source,
            "answer": result.answer.value,
            "worse": [row.name for row in result.of(RowVerdict.WORSE)],
            "seconds": result.seconds,
            "budget_s": result.budget_s,
            "groups": result.groups,
            "reasons": result.reasons,
            "remarks": result.remarks,
            "samples": {row.name: row.samples for row in result.rows if row.samples},
        }
        self.steps[name] = step
        with self.path.open("a") as file:
            print(json.dumps(step), file=file)
