# SPDX-License-Identifier: Apache-2.0
"""Tests the gate with random changes of the library's source, each of which is held against every promise.

python ci/mutants.py --mutate PROGRAM [--seconds N] [--seed N] [--answers FILE]: changes are made by universalmutator,
one line each, in a copy of lib/. What does not compile, or compiles to the same bytes, is passed over. Answers are kept
in FILE as they come, and not asked for again. Prints which change was found by how many promises, and which by none.
Exit 0: at least LEAST_SHARE of them were found; 1: fewer; 3: too few were asked to say.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "lib" / "src"
LEAST_SHARE, LEAST_ASKED = 0.7, 10
# Of a change that hangs every promise; those that hang some are told by the gate itself.
ASKED_S = 900.0


@dataclass(frozen=True)
class Mutant:
    """One changed line, numbered from 1. broken are the promises that found it, once they were asked."""

    file: str
    line: int
    old: str
    new: str
    broken: tuple[str, ...] = ()

    @property
    def change(self) -> tuple[str, int, str, str]:
        """The change itself, without what found it."""
        return self.file, self.line, self.old, self.new


def changed_line(file: str, before: str, after: str) -> Mutant | None:
    """Return the changed line, or None if there are several, or if only comments or blanks differ."""
    lines, others = before.splitlines(), after.splitlines()
    at = [number for number, pair in enumerate(zip(lines, others, strict=False)) if pair[0] != pair[1]]
    if len(lines) != len(others) or len(at) != 1:
        return None
    old, new = lines[at[0]].strip(), others[at[0]].strip()
    return None if old == new or old.startswith(("/*", "*", "#")) else Mutant(file, at[0] + 1, old, new)


class Copy:
    """A copy of lib/ in which one line at a time is changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shutil.rmtree(folder / "lib", ignore_errors=True)
        shutil.copytree(ROOT / "lib", folder / "lib")
        command = ["cmake", "-S", str(folder / "lib"), "-B", str(folder / "build"), "-G", "Ninja"]
        subprocess.run([*command, "-DVIDEO_SHM_WERROR=OFF"], check=True, capture_output=True)
        self.library = folder / "build" / "libvideo_shm.so"
        if not self._build():
            raise SystemExit(f"{folder}: the library as it is does not build")
        self._bytes = self.library.read_bytes()

    def _build(self) -> bool:
        command = ["cmake", "--build", str(self._folder / "build"), "--target", "video_shm"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def take(self, mutant: Mutant) -> bool:
        """Build the library with that change. Returns False if it does not compile, or if nothing differs."""
        file = self._folder / "lib" / "src" / mutant.file
        lines = (SOURCES / mutant.file).read_text().splitlines()
        lines[mutant.line - 1] = mutant.new
        file.write_text("\n".join(lines) + "\n")
        try:
            return self._build() and self.library.read_bytes() != self._bytes
        finally:
            shutil.copyfile(SOURCES / mutant.file, file)


def ask(library: Path) -> tuple[str, ...]:
    """Return the promises that the library breaks."""
    command = [sys.executable, "-m", "hil", "gate", "promise", "all", "--library", str(library)]
    try:
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=ASKED_S, check=False)
    except subprocess.TimeoutExpired:
        return ("no answer",)
    if told.returncode not in (0, 1, 3):
        raise SystemExit(f"{' '.join(command)}: {told.stderr.strip()[-1000:]}")
    return tuple(line.split(":")[0] for line in told.stdout.splitlines() if ": broken, " in line)


def changes(mutate: str, source: Path, made: Path) -> list[list[Mutant]]:
    """Return the changes of each line of a source that has some. made is the folder in which they are made."""
    if not made.exists():
        made.mkdir(parents=True)
        command = [mutate, str(source), "c", "--noCheck", "--mutantDir", str(made)]
        subprocess.run(command, check=True, capture_output=True)
    before, by_line = source.read_text(), dict[int, list[Mutant]]()
    for path in sorted(made.iterdir()):
        if mutant := changed_line(source.name, before, path.read_text()):
            by_line.setdefault(mutant.line, []).append(mutant)
    return [by_line[line] for line in sorted(by_line)]


def mutants(mutate: str, folder: Path, rng: random.Random) -> Iterator[Mutant]:
    """Yield changes of random lines of the sources for ever. folder is where they are made."""
    sources = sorted(SOURCES.glob("*.c"))
    weights = [len(source.read_text().splitlines()) for source in sources]
    known: dict[Path, list[list[Mutant]]] = {}  # a source has a thousand, each in a file of its own
    while True:
        (source,) = rng.choices(sources, weights)
        if source not in known:
            known[source] = changes(mutate, source, folder / "mutants" / source.stem)
        yield rng.choice(rng.choice(known[source]))


def report(answers: Sequence[Mutant]) -> int:
    """Print what was found and what was not. Returns the exit code."""
    found = [mutant for mutant in answers if mutant.broken]
    for mutant in sorted(answers, key=lambda mutant: (bool(mutant.broken), mutant.change)):
        by = f"{len(mutant.broken)}, {mutant.broken[0]}" if mutant.broken else "NONE"
        print(f"{mutant.file}:{mutant.line}: {mutant.old}  ->  {mutant.new}\n    found by {by}")
    print(f"{len(found)} of {len(answers)} changes of the library are found by a promise")
    if len(answers) < LEAST_ASKED:
        return 3
    return 0 if len(found) >= LEAST_SHARE * len(answers) else 1


def _answers(file: Path) -> list[Mutant]:
    lines = file.read_text().splitlines() if file.exists() else []
    return [Mutant(**{**json.loads(line), "broken": tuple(json.loads(line)["broken"])}) for line in lines]


def main() -> int:
    """Run the command: see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutate", required=True, metavar="PROGRAM", help="universalmutator's")
    parser.add_argument("--seconds", type=float, default=3000, metavar="N", help="none is begun after that (3000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of what is chosen")
    parser.add_argument("--folder", type=Path, default=ROOT / "build-mutants", metavar="DIR")
    parser.add_argument("--answers", type=Path, default=ROOT / "report" / "mutants.jsonl", metavar="FILE")
    options = parser.parse_args()
    until = time.monotonic() + options.seconds
    copy = Copy(options.folder)
    if broken := ask(copy.library):
        raise SystemExit(f"the library as it is breaks {', '.join(broken)}: mend that first")
    options.answers.parent.mkdir(parents=True, exist_ok=True)
    answers = _answers(options.answers)
    seen = {mutant.change for mutant in answers}
    for mutant in mutants(options.mutate, options.folder, random.Random(options.seed)):
        if time.monotonic() > until:
            break
        if mutant.change in seen or not copy.take(mutant):
            continue
        seen.add(mutant.change)
        answers.append(Mutant(*mutant.change, ask(copy.library)))
        with options.answers.open("a") as kept:
            kept.write(json.dumps(asdict(answers[-1])) + "\n")
        told = len(answers[-1].broken) or "NONE"
        print(f"{len(answers)}: {mutant.file}:{mutant.line}: found by {told}", file=sys.stderr, flush=True)
    return report(answers)


if __name__ == "__main__":
    sys.exit(main())
