# SPDX-License-Identifier: Apache-2.0
"""What the run came to, as a table for people and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .cells import Answer

SIGNS = {"ok": "ok", "refused": "says", "FAILED": "**FAILED**"}


def _matrix(answers: Sequence[Answer]) -> list[str]:
    """Return a row for each host, with a column for each program."""
    programs = list(dict.fromkeys(answer.program for answer in answers))
    by_host: dict[str, dict[str, str]] = {}
    for answer in answers:
        by_host.setdefault(answer.host, {})[answer.program] = SIGNS[answer.verdict]
    lines = [f"| host | {' | '.join(programs)} |", "|---" * (len(programs) + 1) + "|"]
    return lines + [
        f"| {host} | {' | '.join(found.get(program, '') for program in programs)} |" for host, found in by_host.items()
    ]


def _pairs(answers: Sequence[Answer]) -> list[str]:
    """Return a row for each program, with its answers on pairs of hosts."""
    counts: dict[str, Counter[str]] = {}
    for answer in answers:
        counts.setdefault(answer.program, Counter())[answer.verdict] += 1
    lines = ["| on pairs of hosts | ok | says why not | FAILED |", "|---|---|---|---|"]
    return lines + [f"| {name} | {n['ok']} | {n['refused']} | {n['FAILED']} |" for name, n in counts.items()]


def markdown(answers: Sequence[Answer], harm: Sequence[str], seconds: float) -> str:
    """Return the table, and below it what was refused in which words, and what failed how."""
    from hosts import ALL_HOSTS, PLAIN

    order = {host.name: at for at, host in enumerate((PLAIN, *ALL_HOSTS))}
    singles = sorted((a for a in answers if a.host in order), key=lambda a: order[a.host])
    pairs = [answer for answer in answers if answer.host not in order]
    counts = Counter(answer.verdict for answer in answers)
    slowest = max((answer.seconds for answer in answers), default=0.0)
    lines = [
        f"{len(answers)} programs on hosts in {seconds:.0f} s: {counts['ok']} work, {counts['refused']} say why not, "
        f"{counts['FAILED']} failed; the slowest took {slowest:.1f} s",
        "",
        *_matrix(singles),
        "",
        *(_pairs(pairs) if pairs else []),
        "",
        *(f"- {a.host}: {a.program}: {a.why}" for a in singles if a.verdict == "refused"),
        *(f"- **FAILED** {a.host}: {a.program}: {a.why}" for a in answers if a.verdict == "FAILED"),
        *(f"- **FAILED** bystanders: {what}" for what in harm),
    ]
    return "\n".join(lines) + "\n"


def write_report(folder: Path, answers: Sequence[Answer], harm: Sequence[str], seconds: float) -> None:
    """Write hosts.md and hosts.json into this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hosts.md").write_text(markdown(answers, harm, seconds))
    told = {
        "seconds": round(seconds),
        "harm": list(harm),
        "answers": list(map(dataclasses.asdict, answers)),
    }
    (folder / "hosts.json").write_text(json.dumps(told, indent=1) + "\n")
