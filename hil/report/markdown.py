# SPDX-License-Identifier: Apache-2.0
"""Shows a run as Markdown for a CI job's page: the verdict, what needs attention, and the latencies."""

from __future__ import annotations

import re
from typing import Any

from .merge import Run
from .summary import LATENCY_HEADINGS, attention_lines, latency_rows
from .words import VERDICTS, headline, machine_rows

FILE = "summary.md"
_MEANING = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def markdown(run: Run) -> str:
    """Return the whole text.

    Names from streams, machines and tests are untrusted, so no markup in them takes effect.
    """
    lines = [f"### {VERDICTS[run['verdict']]}: {_plain(headline(run))}", ""]
    lines += [f"- **problem**: {_plain(problem)}" for problem in run["problems"]]
    for session in run["sessions"]:
        told = dict(machine_rows(session))
        lines += ["", f"**{_plain(session['name'])}**: {_plain(told['Camera'])}; {_plain(told['Board'])}", ""]
        lines += _attention(session)
        lines += _latencies(session)
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return _MEANING.sub(r"\\\1", " ".join(text.split()))


def _attention(session: dict[str, Any]) -> list[str]:
    lines = []
    for test in session["tests"]:
        if test["verdict"] in ("fail", "invalid"):
            lines.append(f"- **{VERDICTS[test['verdict']]}** {_plain(test['claim'])} ({_plain(test['name'])})")
            lines += [f"  - {_plain(line)}" for line in attention_lines(test) if line.strip()]
    return [*lines, ""]


def _latencies(session: dict[str, Any]) -> list[str]:
    rows = latency_rows(session)
    if not rows:
        return []
    table = [[heading.lower() for heading in LATENCY_HEADINGS], ["---", "---", "--:", "--:", "--:"]]
    table += [[_plain(cell) for cell in row] for row in rows]
    return [*(f"| {' | '.join(row)} |" for row in table), ""]
