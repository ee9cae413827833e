# SPDX-License-Identifier: Apache-2.0
"""Does what README.md and the pages in lib/doc say, from top to bottom, and fails if the result differs.

Each command must have a row in readme_rows.py: it is run and judged, or the row says why not.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from readme_rows import DEMO, NAMES, ROWS, SOUND, Row

README, PAGES = Path("README.md"), Path("lib/doc")
COMMAND = re.compile(
    r"(sudo |apt |pip |python3? |vshm |hil |camera-streamer\b|cmake |cc |\./|ci/|export |eval |ctest |gst-)"
)
PATIENCE_S = 900.0
LASTING_S = 120.0


class Wrong(Exception):
    """A command did not do what the text says."""


def pages() -> str:
    """Return README and the other pages; a page's end also ends its last block."""
    return "".join(f"{page.read_text()}\nend\n" for page in [README, *sorted(PAGES.glob("*.md"))])


def blocks() -> Iterator[list[str]]:
    """Yield the indented blocks, and each command in backticks unless it only names a verb."""
    block: list[str] = []
    for line in pages().splitlines():
        if line.startswith("    ") or (block and not line):
            block.append(line[4:])
            continue
        if block:
            yield block
            block = []
        if line.startswith("|"):  # a table tells what a command is, or needs, rather than to run it now
            continue
        yield from ([span] for span in re.findall(r"`([^`]+)`", line) if COMMAND.match(span) and span.count(" ") > 1)


class Shell:
    """A shell that keeps its state between commands, as in a terminal; each command is a process of its own."""

    def __init__(self) -> None:
        self._state = Path("state.sh").absolute()
        self._state.write_text(f"cd {Path.cwd()}\n")
        self.is_root = os.getuid() == 0

    def line(self, command: str) -> list[str]:
        """Return the arguments that run the command."""
        if self.is_root:
            command = command.replace("sudo ", "")
        command = re.sub(r"\b(FILE|DIR|RING)\b", lambda found: NAMES[found[1]], command)
        keep = f'code=$?; (export -p; pwd | sed "s/^/cd /") > {self._state}; exit $code'
        return ["bash", "-c", f". {self._state}\n{command}\n{keep}"]

    def run(self, command: str, row: Row) -> None:
        """Run the command, and judge it. Raises Wrong."""
        if row.lasts:
            with self.lasting(command, row.expect or ".", bool(row.beside)):
                return
        done = subprocess.run(
            self.line(command),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        said = done.stdout + done.stderr
        if "Traceback (most" in said or done.returncode in (126, 127):
            raise Wrong(said[-2000:])
        if row.code is not None and done.returncode != row.code:
            raise Wrong(f"it ended with {done.returncode}, not {row.code}: {said[-2000:]}")
        if not re.search(row.expect, said):
            raise Wrong(f"it did not print {row.expect!r}: {said[-2000:]}")

    def lasting(self, command: str, expect: str, is_beside: bool = False) -> Lasting:
        """Return a command that runs until Ctrl-C. is_beside: another command writes its ring."""
        return Lasting(self.line(f"exec {command}"), expect, is_beside)


class Lasting:
    """A command that runs during a block. Raises Wrong if its output differs, or if Ctrl-C does not end it."""

    def __init__(self, words: list[str], expect: str, is_beside: bool) -> None:
        self._words, self._expect, self._is_beside = words, expect, is_beside
        self._said = Path("said.txt").absolute().with_name(f"said-{time.monotonic_ns()}.txt")

    def __enter__(self) -> Lasting:
        self.began_s = time.monotonic()
        with self._said.open("w") as said:
            self._process = subprocess.Popen(
                self._words, stdout=said, stderr=said, stdin=subprocess.DEVNULL, start_new_session=True
            )
        while not re.search(self._expect, self._said.read_text()):
            if self._process.poll() is not None or time.monotonic() - self.began_s > LASTING_S:
                self._end()
                raise Wrong(f"it did not print {self._expect!r}: {self._said.read_text()[-2000:]}")
            time.sleep(0.05)
        self.took_s = time.monotonic() - self.began_s
        return self

    def _end(self) -> int:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise Wrong("Ctrl-C did not end it") from None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._end()
        if self._is_beside:
            return
        left = [path.name for path in Path("/dev/shm").iterdir() if "video_" in path.name]
        if left and kind is None:
            raise Wrong(f"left in /dev/shm: {', '.join(left)}")


class Walk:
    """The walk from top to bottom. faults lists what went wrong."""

    def __init__(self) -> None:
        self.shell = Shell()
        self.faults: list[str] = []
        self.counts = {"run": 0, "left out": 0}

    def run(self) -> None:
        for block in blocks():
            text = "\n".join(block).strip() + "\n"
            if "#include" in text:
                Path("reader.c").write_text(text)
            elif re.search(r"^(from|import) ", text, re.MULTILINE):
                self.tried(text.splitlines()[-1], lambda text=text: self.python(text))
            else:
                for command in commands(block):
                    self.command(command)
        unused = [row.begins for row in ROWS if not row.used]
        self.faults += [f"no page has such a command any more: {begins}" for begins in unused]

    def tried(self, name: str, what: object) -> None:
        began_s = time.monotonic()
        try:
            what()  # type: ignore[operator]
            result = "ok"
        except (Wrong, subprocess.TimeoutExpired) as error:
            self.faults.append(f"{name}: {error}")
            result = "WRONG"
        self.counts["run"] += 1
        print(f"{time.monotonic() - began_s:6.1f} s  {result:5}  {name}", flush=True)

    def command(self, command: str) -> None:
        row = next((row for row in ROWS if command.startswith(row.begins)), None)
        if row is None:
            self.faults.append(f"{command}: ci/readme_rows.py does not know it")
            return
        row.used = True
        if row.why:
            self.counts["left out"] += 1
            print(f"          left   {command}: {row.why}", flush=True)
        else:
            self.tried(command, lambda: self.beside(row, command))

    def beside(self, row: Row, command: str) -> None:
        if command == "vshm demo":
            return self.demo(command)
        if not row.beside:
            return self.shell.run(command + row.more, row)
        with self.shell.lasting(row.beside, "http://|fps"):
            self.shell.run(command + row.more, row)
        return None

    def demo(self, command: str) -> None:
        """Check what a browser would get: the page, and a picture that begins."""
        program = "from vshm_ctypes import Consumer\nprint(Consumer(start='keyframe').receive(60).size, flush=True)"
        with self.shell.lasting(command, "is shown at http://") as shown:
            url = re.search(r"http://\S+", shown._said.read_text())
            assert url is not None
            told = subprocess.run(
                self.shell.line(
                    f'python -c "{program}" && python -c \'import urllib.request as u; u.urlopen("{url[0]}")\''
                ),
                capture_output=True,
                text=True,
                check=False,
            )
            if told.returncode != 0:
                raise Wrong(told.stderr)
            print(f"          {shown.took_s:.1f} s from vshm demo to its page with a picture in the ring", flush=True)

    def python(self, text: str) -> None:
        Path("block.py").write_text(text)
        Path("picture.jpg").write_bytes(b"\xff\xd8\xff\xd9")
        if "Producer" in text:
            if "while True" not in text:
                return self.shell.run("python block.py", Row("python"))
            with self.shell.lasting("python -u block.py", r"(?m)^\d+ written"):
                return None
        with (
            self.shell.lasting(SOUND if "audio_stream" in text else DEMO, "http://|fps"),
            self.shell.lasting("python -u block.py", r"(?m)^\d+ ", True),
        ):
            return None


def commands(block: list[str]) -> Iterator[str]:
    """Yield the commands of a block without their comments."""
    for line in block:
        command = re.split(r"\s+# |\s{3,}#", line)[0].strip()
        if COMMAND.match(command):
            yield command


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job ignores
    walk = Walk()
    walk.run()
    print(f"{walk.counts['run']} run, {walk.counts['left out']} left out, {len(walk.faults)} wrong")
    for fault in walk.faults:
        print(f"\nWRONG: {fault}", file=sys.stderr)
    raise SystemExit(1 if walk.faults else 0)
