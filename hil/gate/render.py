# SPDX-License-Identifier: Apache-2.0
"""Shows a result to people and to other programs: as a table, Markdown or JUnit."""

from __future__ import annotations

from html import escape
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .result import Answer, Asked, Result, Row, RowVerdict, worst_first

HEADINGS = ("metric", "baseline", "candidate", "ratio", "95 % interval", "verdict")
MOST_NAMES = 5
COLOURS = {
    RowVerdict.WORSE: "bold red",
    RowVerdict.UNDECIDED: "yellow",
    RowVerdict.INVALID: "yellow",
    RowVerdict.AS_BEFORE: "yellow",
    RowVerdict.NEW: "yellow",
    RowVerdict.UNMEASURED: "dim",
    RowVerdict.SAME: "green",
}


def summary(result: Result) -> str:
    """Return the answer in a sentence, and which promises it rests on."""
    told = [_counts(what.replace("_", " "), asked) for what, asked in result.asked.items()]
    return "; ".join([_verdict(result), *told])


def _verdict(result: Result) -> str:
    if result.answer is Answer.REGRESSION:
        return f"regression: worse is {', '.join(row.name for row in result.of(RowVerdict.WORSE))}"
    if result.answer is Answer.INVALID:
        unfit = any(row.verdict is RowVerdict.INVALID and row.kind == "timed" for row in result.rows)
        what = "the host was not fit for timing" if unfit else "nothing can be said"
        return f"invalid: {what}: {'; '.join(result.reasons)}"
    if result.answer is Answer.INCONCLUSIVE:
        return f"inconclusive: {_advice(result.of(RowVerdict.UNDECIDED))}"
    return "no regression: nothing that was measured is worse than its margin allows"


def _counts(what: str, asked: Asked) -> str:
    """Return how many promises were asked and kept, which were not asked, and why."""
    told = [f"{what}: {asked.count or 'none'} asked" + (f", {asked.kept} kept" if asked.count else "")]
    if asked.broken:
        told.append(f"broken: {_some(asked.broken)}")
    if asked.as_before:
        told.append(f"broken, but not kept by the baseline either: {_some(asked.as_before)}")
    told += [f"not asked: {_some(names)}, since {reason}" for reason, names in asked.unasked.items()]
    return "; ".join(told)


def _some(names: list[str]) -> str:
    """Return a few names, or only the number of many: gate.json has them all."""
    return ", ".join(names) if len(names) <= MOST_NAMES else f"{names[0]} and {len(names) - 1} more"


def _advice(undecided: list[Row]) -> str:
    names = ", ".join(row.name for row in undecided)
    known = [row.needed_s for row in undecided if row.needed_s is not None]
    if len(known) < len(undecided):
        return f"{names} can't be told from the margin by any length of session"
    return f"{names}: --minutes {max(known) / 60 + 1:.0f} would be needed"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def _printable(text: str) -> str:
    """Return what a library said without what XML does not allow and a terminal would obey."""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)


def cells(row: Row) -> tuple[str, ...]:
    """Return a row in the columns of HEADINGS."""
    unit = f" {row.unit}" if row.unit else ""
    verdict = row.verdict.value
    if row.verdict is RowVerdict.UNDECIDED and row.needed_s is not None:
        verdict += f" ({row.needed_s / 60:.0f} min needed)"
    if row.detail:
        verdict += f": {_printable(row.detail)}"
    return (
        row.name.replace("_", " "),
        _figure(row.baseline) + (unit if row.baseline is not None else ""),
        _figure(row.candidate) + (unit if row.candidate is not None else ""),
        "" if row.ratio is None else f"{row.ratio:.3f}",
        "" if row.low is None or row.high is None else f"{row.low:.3f} to {row.high:.3f}",
        verdict,
    )


def heading(result: Result) -> str:
    """Return what was compared, how long, and on what."""
    candidate = _named(result.candidate, result.candidate_commit)
    baseline = _named(result.baseline, result.baseline_commit)
    return (
        f"{candidate} against {baseline}: {result.schedule}, {result.groups} groups of blocks, "
        f"{result.seconds:.0f} s, board {result.board}"
    )


def _named(label: str, commit: str | None) -> str:
    return f"{label} ({commit[:10]})" if commit and not commit.startswith(label) else label


def print_table(result: Result, console: Console) -> None:
    """Print all rows, what needs attention first, and the answer. A ratio above 1 is worse."""
    table = Table(*HEADINGS, title=Text(heading(result)), title_justify="left")
    for row in worst_first(result.rows):
        table.add_row(*map(Text, cells(row)), style=COLOURS[row.verdict])
    console.print(table)
    for remark in result.remarks:
        console.print(remark, markup=False)
    console.print(summary(result), style=None if result.answer is Answer.NO_REGRESSION else "bold", markup=False)


def markdown(result: Result) -> str:
    """Return text for a pull request: the answer, what needs attention, and the rest folded."""
    told = [escape(text, quote=False) for text in (summary(result), heading(result), *result.remarks)]
    lines = [f"### Gate: {result.answer.value}", "", told[0], "", told[1], "", *told[2:], ""]
    notable = [row for row in worst_first(result.rows) if row.verdict not in (RowVerdict.SAME, RowVerdict.UNMEASURED)]
    if notable:
        lines += [*_markdown_table(notable), ""]
    lines += ["<details><summary>all metrics</summary>", "", *_markdown_table(result.rows), "", "</details>", ""]
    return "\n".join(lines)


def _markdown_cell(text: str) -> str:
    """Escape text for a cell, so that what an untrusted library says makes no cell, picture or tag."""
    for character in "\\|`*_[]!":
        text = text.replace(character, f"\\{character}")
    return escape(text, quote=False).replace("\n", " ")


def _markdown_table(rows: list[Row]) -> list[str]:
    escaped = [[_markdown_cell(cell) for cell in cells(row)] for row in rows]
    return [
        f"| {' | '.join(HEADINGS)} |",
        f"|{'---|' * len(HEADINGS)}",
        *(f"| {' | '.join(row)} |" for row in escaped),
    ]


def junit(result: Result) -> ElementTree.ElementTree[ElementTree.Element[str]]:
    """Return a test case for each metric. Undecided and invalid ones are errors, unmeasured ones are skipped."""
    suite = ElementTree.Element("testsuite", name="gate", tests=str(len(result.rows)), time=f"{result.seconds:.1f}")
    told = ElementTree.SubElement(suite, "properties")
    for what, asked in result.asked.items():
        left_out = sum(map(len, asked.unasked.values()))
        for name, value in (("asked", asked.count), ("kept", asked.kept), ("not_asked", left_out)):
            ElementTree.SubElement(told, "property", name=f"{what}_{name}", value=str(value))
    ElementTree.SubElement(told, "property", name="summary", value=_printable(summary(result)))
    counts = {"failure": 0, "error": 0, "skipped": 0}
    for row in result.rows:
        case = ElementTree.SubElement(suite, "testcase", classname=f"gate.{row.kind}", name=row.name)
        kind = {
            RowVerdict.WORSE: "failure",
            RowVerdict.UNDECIDED: "error",
            RowVerdict.INVALID: "error",
            RowVerdict.UNMEASURED: "skipped",
        }.get(row.verdict)
        if kind is not None:
            counts[kind] += 1
            ElementTree.SubElement(case, kind, message=" ".join(filter(None, cells(row))))
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    suite.set("skipped", str(counts["skipped"]))
    return ElementTree.ElementTree(suite)
