# SPDX-License-Identifier: Apache-2.0
"""Finds where drivers behave differently in several runs of the suite, such as on several kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..figures.marked_page import table_of, with_between
from .merge import Run

PLACE = "drivers"  # of the table in a page
COUNTS = ("pictures", "times", "streams", "frames")  # units of what a driver does or does not do
TOLD = ("name", "driver", "card", "v4l2", "picture", "fps")  # of a camera: what was asked for


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same in all runs. values: as text, one for each run, or "-" where there is none."""

    session: str
    subject: str
    values: tuple[str, ...]


def kernels_of(runs: Sequence[Run]) -> list[str]:
    """Return the kernel whose drivers each run met, as uname -r prints it; of a run without any session, "-"."""
    return [_kernel(run) for run in runs]


def _kernel(run: Run) -> str:
    """Return the kernel of a run's first session with a V4L2 camera: others may be outside of the virtual machine."""
    sessions = sorted(run["sessions"], key=lambda each: not any(camera.get("v4l2") for camera in each["cameras"]))
    return next((str(each["machine"]["before"]["kernel"]) for each in sessions), "-")


def differences(runs: Sequence[Run]) -> list[Difference]:
    """Return where the drivers differ: what a camera's driver says, verdicts, and counts that are zero in some runs."""
    found = []
    for session in dict.fromkeys(each["name"] for run in runs for each in run["sessions"]):
        facts = [dict(_facts(run, session)) for run in runs]
        for subject in dict.fromkeys(name for each in facts for name in each):
            values = [each.get(subject) for each in facts]
            if _differ(values):
                found.append(Difference(session, subject, tuple("-" if one is None else str(one) for one in values)))
    return found


def in_page(page: str, kernels: Sequence[str], found: Sequence[Difference]) -> str:
    """Return a page of Markdown with the differences as a table. Raises ValueError if it has no place for them."""
    rows = [(one.session, one.subject, *one.values) for one in found]
    alike = f"Drivers behave alike on {', '.join(kernels)}."
    return with_between(page, PLACE, table_of(("camera", "what", *kernels), rows) if rows else alike)


def _facts(run: Run, name: str) -> Iterator[tuple[str, Any]]:
    """Yield what is told of the drivers in one session."""
    for session in run["sessions"]:
        if session["name"] != name:
            continue
        for camera in session["cameras"]:
            yield from ((f"{camera['name']}: {key}", value) for key, value in camera.items() if key not in TOLD)
        for test in session["tests"]:
            title = test["name"].rpartition("::")[2]
            if test["verdict"] in ("pass", "fail"):  # invalid is a matter of time
                yield title, test["verdict"]
            for one in test["measurements"]:
                if one["unit"] in COUNTS and not one["timed"]:
                    yield f"{title}: {one['name']}", float(one["value"])


def _differ(values: Sequence[Any]) -> bool:
    """Return whether the values differ in kind: how often something happened varies with time, but not whether."""
    there = [one != 0 if isinstance(one, float) else one for one in values if one is not None]
    return len(set(there)) > 1
