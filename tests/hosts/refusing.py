# SPDX-License-Identifier: Apache-2.0
"""refusing.py ERRNO CALL... -- COMMAND: a command for which the kernel refuses system calls, as sandboxes have it.

CALL is a number, NUMBER:ARGUMENT=VALUE where that argument, from 0 on, has that value, or NUMBER:ARGUMENT&BITS where it
has one of those bits.
"""

import ctypes
import os
import re
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, JUMP_IF_BITS, RETURN = 0x20, 0x15, 0x45, 0x06  # of classic BPF
FIRST_ARGUMENT = 16  # in what is looked at; the number is its first word
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def _refusal(call: str, error: int) -> bytes:
    """Return the part of the program for one call, which leaves other calls to the parts after it."""
    match = re.fullmatch(r"(\d+)(?::([0-5])([=&])(\d+))?", call)
    if match is None:
        raise ValueError(f"{call}: NUMBER, NUMBER:ARGUMENT=VALUE or NUMBER:ARGUMENT&BITS")
    number, argument, how, value = match.groups()
    refusal = struct.pack("HBBI", RETURN, 0, 0, ERRNO | error)
    if how is not None:
        test = JUMP_IF_EQUAL if how == "=" else JUMP_IF_BITS
        refusal = (
            struct.pack("HBBI", LOAD, 0, 0, FIRST_ARGUMENT + 8 * int(argument) + 4 * (sys.byteorder == "big"))
            + struct.pack("HBBI", test, 0, 1, int(value))
            + refusal
        )
    return (
        struct.pack("HBBI", LOAD, 0, 0, 0)
        + struct.pack("HBBI", JUMP_IF_EQUAL, 0, len(refusal) // 8, int(number))
        + refusal
    )


def refuse(error: int, calls: list[str]) -> None:
    """Refuse calls from now on, here and in what is executed. Raises OSError or ValueError."""
    program = b"".join(_refusal(call, error) for call in calls) + struct.pack("HBBI", RETURN, 0, 0, ALLOW)
    buffer = ctypes.create_string_buffer(program, len(program))
    filtered = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filtered, 0, 0)):
        if libc.prctl(*words) != 0:
            raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")


if __name__ == "__main__":
    at = sys.argv.index("--")
    refuse(int(sys.argv[1]), sys.argv[2:at])
    os.execvp(sys.argv[at + 1], sys.argv[at + 1 :])
