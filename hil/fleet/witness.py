# SPDX-License-Identifier: Apache-2.0
"""Compares what a consumer received with what was written, by the ledgers of both.

The library under test is not asked: only its counts of missed and skipped frames are compared with what is absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy

from hil.workers.life import ConsumerLife, WriterLife
from hil.workers.records import WRITTEN, Records, accepted

FindingKind = Literal["altered", "lost", "repeated", "reordered", "never written", "early", "miscounted", "ended"]
UNKNOWN_SIZE = -1  # of a frame that nobody received, and whose writer was killed before it recorded it
NAMED = 5  # how many findings of one kind are listed one by one


class Finding(NamedTuple):
    """Something that is wrong. number: of the frame, or -1 if it concerns none."""

    kind: FindingKind
    number: int
    text: str


@dataclass(slots=True)
class Account:
    """The account of one consumer's process.

    written: frames that were written while it was attached. received: how many of them it received whole, each counted
    once. missed, skipped: its own counts, or None if it was killed. findings: empty if nothing is wrong.
    """

    written: int
    received: int
    missed: int | None
    skipped: int | None
    findings: list[Finding] = field(default_factory=list)


def all_written(lives: Sequence[WriterLife], received: Sequence[Records]) -> Records:
    """Return WRITTEN of all of a writer's processes, with the frames that a killed one did not record.

    received: of every consumer; a number that one of them received must have been written, as the first one got it.
    """
    parts: list[Records] = []
    seen = max((int(one["number"].max()) for one in received if len(one)), default=-1)
    begin = 0  # the number that follows in the ring, which a writer that is not killed removes at its end
    for at, life in enumerate(lives):
        inside = accepted(life.written)
        parts.append(inside)
        begin = int(inside["number"][-1]) + 1 if len(inside) else begin
        if life.summary is None:
            following = next((accepted(later.written) for later in lives[at + 1 :] if len(later.written)), None)
            until = int(following["number"][0]) if following is not None and len(following) else seen + 1
            since_ns = int(inside["entry_ns"][-1]) if len(inside) else life.started_ns
            parts.append(_unwitnessed(begin, until, since_ns, received))
            begin = max(begin, until)
        else:
            begin = 0
    return numpy.concatenate(parts or [numpy.empty(0, WRITTEN)])


def _unwitnessed(begin: int, end: int, entry_ns: int, received: Sequence[Records]) -> Records:
    rows = numpy.zeros(max(end - begin, 0), WRITTEN)
    rows["number"] = numpy.arange(begin, begin + len(rows))
    rows["entry_ns"], rows["size"] = entry_ns, UNKNOWN_SIZE
    for one in reversed(received):
        seen = one[(one["number"] >= begin) & (one["number"] < begin + len(rows)) & (one["awake_ns"] >= entry_ns)]
        for name in ("size", "crc32"):
            rows[name][seen["number"] - begin] = seen[name]
    return rows


def _numberings(written: Records) -> list[Records]:
    """Split WRITTEN where numbers start again, which they do if a ring was removed and created again."""
    back = numpy.flatnonzero(numpy.diff(written["number"]) < 0) + 1
    return list(numpy.split(written, back))


def _split(received: Records, numberings: Sequence[Records]) -> list[tuple[int, Records]]:
    """Split RECEIVED by numbering, as far as possible: numbers that go back may also be a fault."""
    parts: list[tuple[int, Records]] = []
    begin, now = 0, 0
    for at in range(len(received)):
        if at == 0 or received["number"][at] <= received["number"][at - 1]:
            candidates = range(now if at == 0 else now + 1, len(numberings))
            found = next((one for one in candidates if _holds(numberings[one], received[at])), None)
            if found is not None and at > 0:
                parts.append((now, received[begin:at]))
                begin = at
            now = now if found is None else found
    parts.append((now, received[begin:]))
    return parts


def _holds(written: Records, frame: Records) -> bool:
    at = int(numpy.searchsorted(written["number"], frame["number"]))
    if at == len(written) or written["number"][at] != frame["number"]:
        return False
    return bool(written["crc32"][at] == frame["crc32"] or written["size"][at] == UNKNOWN_SIZE)


def _order(received: Records) -> list[Finding]:
    numbers = received["number"]
    highest = numpy.maximum.accumulate(numbers)
    _, first = numpy.unique(numbers, return_index=True)
    again = numpy.ones(len(numbers), bool)
    again[first] = False
    late = ~again & (numbers < highest)
    findings = [Finding("repeated", int(number), "came a second time") for number in numbers[again]]
    for at in numpy.flatnonzero(late):
        findings.append(Finding("reordered", int(numbers[at]), f"came after {int(highest[at])}"))
    return findings


def _content(received: Records, written: Records) -> list[Finding]:
    at = numpy.searchsorted(written["number"], received["number"])
    inside = at < len(written)
    inside[inside] = written["number"][at[inside]] == received["number"][inside]
    findings = [Finding("never written", int(n), "no such frame was written") for n in received["number"][~inside]]
    got, sent = received[inside], written[at[inside]]
    known = sent["size"] != UNKNOWN_SIZE
    for name, told in (("size", "bytes"), ("crc32", "as its CRC-32, so it is torn or altered"), ("capture_ns", "ns")):
        both = known & (name == "crc32" or ((got[name] != 0) & (sent[name] != 0)))
        for where in numpy.flatnonzero(both & (got[name] != sent[name])):
            text = f"{name}: {got[name][where]} instead of {sent[name][where]} {told}"
            findings.append(Finding("altered", int(got["number"][where]), text))
    awake, published = got["awake_ns"], got["publish_ns"]
    for where in numpy.flatnonzero(known & (awake != 0) & (awake < sent["entry_ns"])):
        findings.append(Finding("early", int(got["number"][where]), "came before it was written"))
    too_early, too_late = known & (published < sent["entry_ns"]), (awake != 0) & (published > awake)
    for where in numpy.flatnonzero((published != 0) & (too_early | too_late)):
        text = f"publish_ns {published[where]} is not between its write and its arrival"
        findings.append(Finding("altered", int(got["number"][where]), text))
    return findings


def _span(written: Records, received: Records, begin: int | None, end: int | None) -> Records:
    """Return WRITTEN from frame begin, or the first received one, to before end, or the last received one."""
    numbers = received["number"]
    if begin is None:
        begin = int(numbers.min()) if len(numbers) else 0
    if end is None:
        end = int(numbers.max()) + 1 if len(numbers) else begin
    return written[(written["number"] >= begin) & (written["number"] < end)]


def examine(
    written: Records,
    received: Records,
    *,
    begin: int | None = None,
    end: int | None = None,
    missed: int | None = 0,
    skipped: int | None = 0,
) -> Account:
    """Compare RECEIVED of one consumer, in the order of arrival, with WRITTEN and with its own counts.

    begin, end: the first frame that it could receive and the one after the last, or None to take the first and last
    received ones. missed: None if unknown, in which case no frame is called lost.
    """
    numberings = _numberings(accepted(written))
    parts = _split(received, numberings)
    account = Account(0, 0, missed, skipped)
    absent: list[int] = []
    unclear = 0  # frames written to a new ring before the consumer found it, which it may not have been able to receive
    for at, (numbering, part) in enumerate(parts):
        account.findings += _order(part) + _content(part, numberings[numbering])
        until = end if at == len(parts) - 1 else int(numberings[numbering]["number"][-1]) + 1  # it was read to its end
        span = _span(numberings[numbering], part, begin if at == 0 else None, until)
        here = numpy.isin(span["number"], part["number"])
        account.written += len(span)
        account.received += int(here.sum())
        absent += span["number"][~here].tolist()
        unclear += int((numberings[numbering]["number"] < span["number"][0]).sum()) if at > 0 else 0
    if missed is None or skipped is None:
        return account
    surplus = missed + skipped - len(absent)
    account.written += min(max(surplus, 0), unclear)
    told = f"it counts {missed} missed and {skipped} skipped"
    if surplus < 0:
        names = ", ".join(map(str, absent[:NAMED])) + (", ..." if len(absent) > NAMED else "")
        text = f"{len(absent)} frames did not come ({names}), and {told}"
        account.findings.append(Finding("lost", absent[0], text))
    elif surplus > unclear:
        text = f"{told}, but only {len(absent)} frames did not come"
        account.findings.append(Finding("miscounted", -1, text))
    return account


def examine_life(written: Records, life: ConsumerLife, *, first: int | None, to_the_end: bool) -> Account:
    """Compare a consumer's process with all_written().

    first: the first frame after all were attached, for a consumer that does not know where it started. to_the_end: it
    read until the writer had closed the ring.
    """
    numbers = life.received["number"]
    begin = life.attach_number
    if begin is None and first is not None:
        begin = min([first, *numbers[:1].tolist()])
    closing = life.closing
    end: int | None = None
    if to_the_end and closing is not None and len(written):
        end = int(written["number"][-1]) + 1
    elif closing is not None:
        end = closing.get("next_number")
    counts = {"missed": closing["missed"], "skipped": closing.get("skipped", 0)} if closing else {"missed": None}
    account = examine(written, life.received, begin=begin, end=end, **counts)
    if closing is not None and closing["received"] != len(life.received):
        text = f"it counts {closing['received']} received, and wrote down {len(life.received)}"
        account.findings.append(Finding("miscounted", -1, text))
    return account
