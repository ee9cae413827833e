# SPDX-License-Identifier: Apache-2.0
"""What v4l2-compliance says of a camera's driver, so that a fault of the driver's is not taken for ours.

It is told in the report, and judges nothing: many drivers in use fail one of its tests.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..processes.command import run_to_end

PROGRAM, PACKAGE = "v4l2-compliance", "v4l-utils"
PATIENCE_S = 120.0  # an emulated processor; a driver may also hang
NAMED = 8  # tests that are told by name
_TOTAL = re.compile(
    r"^(?:Grand )?Total for (?P<device>.+): (?P<tests>\d+), Succeeded: (?P<passed>\d+), Failed: (?P<failed>\d+), "
    r"Warnings: (?P<warnings>\d+)\s*$",
    re.MULTILINE,
)
_FAILED_TEST = re.compile(r"^\s*test (?P<name>.+): FAIL\s*$", re.MULTILINE)
_VERSION = re.compile(r"^v4l2-compliance (?:SHA\s*:\s*)?(?P<version>[\w.-]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Compliance:
    """What it found. tests, failed, warnings: its totals. names: of the tests that failed. version: of the program."""

    tests: int
    failed: int
    warnings: int
    names: tuple[str, ...] = ()
    version: str = ""

    def __str__(self) -> str:
        told = f"{self.tests} tests, {self.failed} failed, {self.warnings} warnings"
        if self.names:
            rest = ", ..." if len(self.names) > NAMED else ""
            told += f" (failed: {', '.join(self.names[:NAMED])}{rest})"
        return f"{told} by v4l2-compliance {self.version}".rstrip()


def parse(text: str) -> Compliance | None:
    """Return the totals in what the program printed, or None if it has not come to them."""
    totals = list(_TOTAL.finditer(text))
    if not totals:
        return None
    last, version = totals[-1], _VERSION.search(text)
    names = tuple(dict.fromkeys(match["name"] for match in _FAILED_TEST.finditer(text)))
    tests, failed, warnings = (int(last[name]) for name in ("tests", "failed", "warnings"))
    return Compliance(tests, failed, warnings, names, version["version"] if version else "")


def check_driver(device: Path, output: Path, program: str = PROGRAM, patience_s: float = PATIENCE_S) -> str:
    """Return what is to be told of the driver of a device, or why nothing is known.

    output: a file that gets all that the program prints. program: that is run. patience_s: after which it is ended.
    """
    try:
        done = run_to_end([program, "-d", device], patience_s)
    except FileNotFoundError:
        return f"not known: {PROGRAM} is not installed: apt-get install {PACKAGE} (ci/bootstrap hil does)"
    except OSError as error:
        return f"not known: {program}: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"not known: {PROGRAM} had not ended after {patience_s:g} s"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(done.stdout + done.stderr)
    found = parse(done.stdout)
    if found is None:
        words = (done.stderr or done.stdout).strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        return f"not known: {PROGRAM}: {words[0]}"
    return str(found)
