# SPDX-License-Identifier: Apache-2.0
"""Standard output whose errors name it: "No space left on device" alone could be said of any file."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, cast

from .output import complain, let_go_of_output

if TYPE_CHECKING:
    from typing_extensions import Buffer


class OutputError(OSError):
    """Standard output can't be written."""


class OutputFile(FileIO):
    """A descriptor of standard output."""

    def write(self, data: Buffer, /) -> int:
        """Some of the bytes; how many. Raises OutputError, or BrokenPipeError: its reader has had enough."""
        try:
            while (written := cast("int | None", super().write(data))) is None:
                room = select.poll()  # a program that shares it has made it non-blocking
                room.register(self, select.POLLOUT)
                room.poll()
            return written
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(error.errno, f"cannot write standard output: {error.strerror}") from None


def _replaced(before: TextIOWrapper) -> TextIOWrapper:
    """Raises OSError: it is no file."""
    output = BufferedWriter(OutputFile(before.fileno(), "w", closefd=False))
    at_once = before.line_buffering or before.write_through
    return TextIOWrapper(output, before.encoding, "replace", line_buffering=at_once)  # "?" where it has no such letter


@contextmanager
def named_output(program: str) -> Iterator[None]:
    """In this block, which is a whole program, errors of sys.stdout are OutputError, or BrokenPipeError.

    What is left in it is written at the end. Who exits without looking, as argparse does after its help, exits with 1
    where that fails. Where sys.stdout is no file, as in tests, it stays what it is.
    """
    before = sys.stdout
    try:
        if isinstance(before, TextIOWrapper):
            before.flush()
            sys.stdout = _replaced(before)
    except OSError:  # which is told with what is to be written
        pass
    try:
        yield
    except SystemExit as end:
        if not end.code:
            _write_the_rest(program)
        raise
    finally:
        let_go_of_output()
        sys.stdout = before


def _write_the_rest(program: str) -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return
    except OSError as error:
        complain(error, program)
        raise SystemExit(1) from None
