# SPDX-License-Identifier: Apache-2.0
"""Standard output whose errors name it: "No space left on device" alone could be said of any file."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, NoReturn, cast

from .output import complain, let_go_of_output

if TYPE_CHECKING:
    from typing_extensions import Buffer


class OutputError(OSError):
    """Standard output can't be written."""


class OutputFile(FileIO):
    """A descriptor of standard output."""

    has_failed = False

    def write(self, data: Buffer, /) -> int:
        """Write some of the bytes, and return how many. Raises OutputError, or BrokenPipeError if nobody reads."""
        try:
            while (written := cast("int | None", super().write(data))) is None:
                room = select.poll()  # another program that has the same file made it non-blocking
                room.register(self, select.POLLOUT)
                room.poll()
            return written
        except BrokenPipeError:
            raise
        except OSError as error:
            self.has_failed = True
            raise OutputError(error.errno, f"cannot write standard output: {error.strerror}") from None


def _wrapped(file: OutputFile, before: TextIOWrapper) -> TextIOWrapper:
    at_once = before.line_buffering or before.write_through
    # A letter that the encoding has not becomes a question mark.
    return TextIOWrapper(BufferedWriter(file), before.encoding, "replace", line_buffering=at_once)


@contextmanager
def named_output(program: str) -> Iterator[None]:
    """Enclose a whole program, in which errors of sys.stdout are OutputError, or BrokenPipeError.

    At the end what is still buffered is written. If that fails, or an OutputError is raised, the error is printed and
    the program exits with 1. If sys.stdout is no file, as in tests, it is left as it is.
    """
    before, file = sys.stdout, None
    with suppress(OSError):  # it is told with what is to be written
        if isinstance(before, TextIOWrapper):
            before.flush()
            file = OutputFile(before.fileno(), "w", closefd=False)
            sys.stdout = _wrapped(file, before)
    try:
        yield
        if file is None or not file.has_failed:  # a failure was told already
            _write_the_rest(program)
    except SystemExit as end:
        if not end.code:  # argparse has printed help, and passes over errors
            _write_the_rest(program)
        raise
    except OutputError as error:
        _end(program, error)
    finally:
        let_go_of_output()
        sys.stdout = before


def _write_the_rest(program: str) -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return
    except OSError as error:
        _end(program, error)


def _end(program: str, error: OSError) -> NoReturn:
    complain(error, program)
    raise SystemExit(1) from None
