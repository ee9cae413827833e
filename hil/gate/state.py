# SPDX-License-Identifier: Apache-2.0
"""What a self-test has found so far: a line of JSON for each step, so that what was broken off can go on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .result import Result, RowVerdict


def fingerprint(lib: Path) -> str:
    """Of a library's sources: steps of another one say nothing of this one."""
    digest = hashlib.sha256()
    for path in sorted([*lib.glob("src/*.[ch]"), *lib.glob("include/*.h"), lib / "CMakeLists.txt"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass
class State:
    """The steps that are done, by name. source: fingerprint of the library they are for."""

    path: Path
    source: str
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, source: str) -> State:
        """What is there; a last line that was cut off goes. Raises ValueError: no such file, or of another library."""
        state = cls(path, source)
        if not path.exists():
            return state
        text = path.read_text()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole)
        for line in whole.splitlines():
            try:
                step = json.loads(line)
                name, of = step["step"], step["source"]
            except (ValueError, TypeError, KeyError):
                raise ValueError(f"{path}: no state of a self-test") from None
            if of != source:
                raise ValueError(f"{path}: its steps are of another source of the library: give another --state")
            state.steps[name] = step
        return state

    def add(self, name: str, result: Result) -> None:
        """Keep a session. Raises OSError."""
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
