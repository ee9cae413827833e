# SPDX-License-Identifier: Apache-2.0
"""Runs a program that writes a stream to its standard output, such as a recorder, and reads what comes."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Sequence

from vshm_ctypes.commandline.scratch import open_scratch

from ...processes.readable import readable
from .source import SourceError

READ_BYTES = 1 << 20
SAID_BYTES = 1 << 16
MOST_SAID_BYTES = 1 << 20  # kept in memory, though a program may complain for months
END_S = 1.0  # for a program that has closed its standard output


class Program:
    """A program that runs until close(). advice: what to do if it is not installed. Raises SourceError then."""

    def __init__(self, command: Sequence[str], advice: str) -> None:
        self._errors = open_scratch(command[0])  # until close()
        fcntl.fcntl(self._errors, fcntl.F_SETFL, os.O_APPEND)  # for the program too, since the file is shortened
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=os.environ | {"LC_ALL": "C"},
                start_new_session=True,  # Ctrl-C must reach only this process, which ends the program
            )
        except OSError as error:
            self._errors.close()
            raise SourceError(error.errno or 0, f"{command[0]}: {error.strerror}: {advice}", "absent") from None

    def receive(self, timeout_s: float) -> bytes | None:
        """Return at most READ_BYTES, None if nothing came in time, or no bytes if the program has ended."""
        assert self._process.stdout is not None
        if os.fstat(self._errors.fileno()).st_size > MOST_SAID_BYTES:
            self._shorten()
        if not readable([self._process.stdout.fileno()], timeout_s):
            return None
        return os.read(self._process.stdout.fileno(), READ_BYTES)

    def end(self) -> tuple[int, list[str]]:
        """Return its exit code and the lines that it wrote to stderr."""
        try:
            code = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return code, self.said()

    def said(self) -> list[str]:
        """Return the last lines that it wrote to stderr so far."""
        return self._end_of_what_it_said().decode(errors="replace").strip().splitlines()

    def _end_of_what_it_said(self) -> bytes:
        number = self._errors.fileno()
        return os.pread(number, SAID_BYTES, max(os.fstat(number).st_size - SAID_BYTES, 0))

    def _shorten(self) -> None:
        kept = self._end_of_what_it_said()
        os.truncate(self._errors.fileno(), 0)
        os.write(self._errors.fileno(), kept)

    def close(self) -> None:
        """End the program, and close its output."""
        with self._process, self._errors:
            self._process.kill()
