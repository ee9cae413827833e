# SPDX-License-Identifier: Apache-2.0
"""refusing.py ERRNO NUMBER... -- COMMAND: a command for which the kernel refuses system calls, as sandboxes have it."""

import ctypes
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # of classic BPF; the number is the first word of what is looked at
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def refuse(error: int, numbers: list[int]) -> None:
    """From now on, here and in whatever is executed. Raises OSError."""
    program = struct.pack("HBBI", LOAD, 0, 0, 0)
    for number in numbers:
        program += struct.pack("HBBI", JUMP_IF_EQUAL, 0, 1, number) + struct.pack("HBBI", RETURN, 0, 0, ERRNO | error)
    program += struct.pack("HBBI", RETURN, 0, 0, ALLOW)
    buffer = ctypes.create_string_buffer(program, len(program))
    filtered = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filtered, 0, 0)):
        if libc.prctl(*words) != 0:
            raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")


if __name__ == "__main__":
    at = sys.argv.index("--")
    refuse(int(sys.argv[1]), [int(number) for number in sys.argv[2:at]])
    os.execvp(sys.argv[at + 1], sys.argv[at + 1 :])
