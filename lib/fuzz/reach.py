#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows what inputs reach of the library, and what they do not: reach.py PROGRAM CORPUS...

PROGRAM is fuzz_ring_coverage, which replays the corpora. Each function with lines that were not reached is named, with
the reason that the file `unreached` gives. Exit code 1: there are lines without one.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE.parent / "src"


def reasons():
    """Return {file:function: (lines, reason)}."""
    found = {}
    for row in (HERE / "unreached").read_text(encoding="ascii").splitlines():
        if row and not row.startswith("#"):
            name, lines, reason = row.split(maxsplit=2)
            found[name] = (int(lines), reason)
    return found


def tool(name, *words):
    return subprocess.run([name, *map(str, words)], check=True, capture_output=True, text=True).stdout


def replay(program, corpora, folder):
    """Return the profile of a replay. Raises CalledProcessError if an input is a finding."""
    raw, profile = folder / "raw", folder / "profile"
    environment = {"LLVM_PROFILE_FILE": str(raw)}
    result = subprocess.run(
        [program, "-runs=0", *corpora], env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        sys.exit(f"the replay ended with {result.returncode}, so it is a finding:\n{result.stderr[-2000:]}")
    tool("llvm-profdata", "merge", "-sparse", raw, "-o", profile)
    return profile


def unreached(program, profile):
    """Return ({file:function: lines that were not reached}, share of all lines that were)."""
    sources = sorted(SOURCES.glob("*.c"))
    exported = json.loads(tool("llvm-cov", "export", program, f"-instr-profile={profile}", *sources))["data"][0]
    extents = {}
    for function in exported["functions"]:
        source = pathlib.Path(function["filenames"][0])
        if source.parent == SOURCES and source.suffix == ".c":
            first, _, last, *_ = function["regions"][0]  # the whole body
            extents.setdefault(source.name, []).append((first, last, function["name"].rpartition(":")[2]))
    found, source = {}, ""
    for line in tool("llvm-cov", "show", program, f"-instr-profile={profile}", *sources).splitlines():
        if line.startswith("/"):
            source = pathlib.Path(line.rstrip(":")).name
        elif match := re.match(r"\s*(\d+)\|\s+0\|", line):
            number = int(match[1])
            for first, last, name in extents.get(source, []):  # in none: a macro's text, which functions stand for
                if first <= number <= last:
                    found.setdefault(f"{source}:{name}", []).append(number)
    return found, exported["totals"]["lines"]["percent"]


def main(program, *corpora):
    known = reasons()
    with tempfile.TemporaryDirectory() as folder:
        found, percent = unreached(program, replay(program, corpora, pathlib.Path(folder)))
    print(f"reached: {percent:.2f} % of the library's lines; not reached:")
    wrong = 0
    for name, numbers in sorted(found.items()):
        most, reason = known.get(name, (0, ""))
        if len(numbers) > most:
            wrong += 1
            reason = f"NO REASON KNOWN for {len(numbers) - most} of them. {reason}"
        print(f"  {name}, {len(numbers)} lines from {numbers[0]} on: {reason}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
