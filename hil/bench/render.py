# SPDX-License-Identifier: Apache-2.0
"""Shows a comparison: a table for each case, and remarks on the host."""

from __future__ import annotations

from vshm_ctypes.commandline.table import print_table
from vshm_ctypes.printable import printable

from .comparison import Case, Comparison, Row, title

HEADINGS = ("peer", "in", "copies", "sent", "sent/s", "received", "missed", "p50", "p99", "sender", "receiver")
LEFT = ("peer", "in")
NUMBERS = tuple(name for name in HEADINGS if name not in LEFT)
FIRST_TO_GO = ("in", "copies", "sent", "receiver", "sender", "received", "sent/s")


def _microseconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value / 1000:.3g} ms" if value >= 10_000 else f"{value:.3g} µs" if value < 1000 else f"{value:.0f} µs"


def cells(row: Row) -> tuple[str, ...]:
    """Return a row in the columns of HEADINGS. received, missed: mean per receiver. CPU time is per frame."""
    if row.error:
        return (row.peer, row.language, "", "failed", *[""] * (len(HEADINGS) - 4))  # the remarks say why
    return (
        row.peer,
        row.language,
        str(row.copies),
        str(row.sent),
        f"{row.sent_per_s:.0f}",
        f"{row.received / row.case.receivers:.0f}",
        f"{row.missed / row.case.receivers:.0f}",
        *map(_microseconds, (row.p50_us, row.p99_us, row.sender_cpu_us, row.receiver_cpu_us)),
    )


def cases(found: Comparison) -> dict[Case, list[Row]]:
    """Return the rows of each case, in order."""
    grouped: dict[Case, list[Row]] = {}
    for row in found.rows:
        grouped.setdefault(row.case, []).append(row)
    return grouped


def remarks(found: Comparison) -> list[str]:
    """Return what else should be known."""
    host = found.machine
    model = host["model"] or "unknown model"
    told = [
        f"{model}, {host['processors']} processors, {host['architecture']}, Linux {host['kernel']}; "
        f"others used {found.others_share:.1%} of the processors; {found.seconds:.0f} s, {found.rounds} rounds",
        ", ".join(f"{name} {version}" for name, version in found.versions.items()),
    ]
    told += [f"{name}: {why}" for name, why in found.missing.items()]
    for row in found.broken:
        where = f"{row.peer}, {title(row.case)}"
        broken = row.error or ", ".join(f"{count} {name}" for name, count in row.faults.items())
        told.append(f"BROKEN: {where}: {broken}")
    return told + [f"INVALID: the host was not fit for timing: {reason}" for reason in found.reasons]


def _style(column: str, cell: str) -> str:
    return "bold" if column == "peer" and cell.startswith("video-shm") else ""


def print_tables(found: Comparison) -> None:
    """Print all tables and remarks."""
    for case, rows in cases(found).items():
        print(title(case))
        print_table(HEADINGS, [cells(row) for row in rows], NUMBERS, FIRST_TO_GO, style=_style)
    for line in remarks(found):
        print(printable(line))


def markdown(found: Comparison) -> str:
    """Return the tables for a README."""
    lines = []
    for case, rows in cases(found).items():
        lines += [f"**{title(case)}**", "", f"| {' | '.join(HEADINGS)} |"]
        lines.append(f"|{'|'.join('---' if name in LEFT else '--:' for name in HEADINGS)}|")
        lines += [f"| {' | '.join(cells(row))} |" for row in rows] + [""]
    return "\n".join([*lines, *(f"- {line}" for line in remarks(found))]) + "\n"
