# SPDX-License-Identifier: Apache-2.0
"""What a program's answer on a host is worth: it works, or it is refused with cause and remedy, or it failed."""

from __future__ import annotations

import re
import signal

from hosts import Host

from .conversation import ANSWER_S, Talk
from .programs import Place, Program

# What no user should ever be shown.
UNPLAIN = re.compile(
    r"Traceback|internal error|Fatal Python error|Exception ignored|Segmentation fault|core dumped|AssertionError"
    r"|\[Errno \d+\]|Error in sys\.excepthook|lost sys\.stderr|Exception in thread|never awaited|Aborted"
)
REFUSED = frozenset({1, 2, 3})
INTERRUPTED = 130
# What a host takes away: for each need of a program the words that a refusal has to have. "": it need not be told.
NO_FOLDER = r"mount a tmpfs (at|on) /dev/shm"
NO_RING = r"start its (producer|writer)"
NO_MEMORY = "memory|ulimit -v"
NO_THREAD = {"threads": "thread", "codecs": "thread|process"}
WAITS = "waiting for its writer"
MUTE = {"old-loop": "Failed", "semaphores": ":"}  # programs as users of version 1 have them, which tell no cause
TAKES: dict[str, dict[str, str]] = {
    "no /proc": {"room": "mount proc at /proc", **MUTE},
    "no /dev/shm": {
        **dict.fromkeys(("ring", "room", "notice", "list", "check", "source"), NO_FOLDER),
        **MUTE,
    },
    "tiny /dev/shm": {
        **dict.fromkeys(("ring", "notice"), NO_RING),
        "list": "no ring: start a producer",
        "source": WAITS,
        "json": "",
        "room": "/dev/shm is full",
        **MUTE,
    },
    "no inodes in /dev/shm": {
        **dict.fromkeys(("ring", "notice"), NO_RING),
        "list": "no ring: start a producer",
        "source": WAITS,
        "json": "",
        "room": "no inode left",
        **MUTE,
    },
    "no devices": {"null": "/dev lacks it"},
    "no files without a name: ENOTSUP": {"room": "O_TMPFILE", **MUTE},
    "no AF_UNIX: EAFNOSUPPORT": {"serve": "AF_UNIX"},
    "no AF_INET: EAFNOSUPPORT": {"internet": "a sandbox refuses"},
    "read-only /dev/shm": {**dict.fromkeys(("room", "notice"), "/dev/shm is read-only"), **MUTE},
    "3 descriptors left": {"": "too many files open|Too many open files|ulimit -n"},
    "no threads left": NO_THREAD,
    "no clone3: EPERM": NO_THREAD,
    "little address space": dict.fromkeys(("ring", "source", "room", "codecs", "threads", "list", "check"), NO_MEMORY),
    "read-only root": {"files": "Read-only file system|writable"},
    "no temporary folder": {"files": "Read-only file system|writable"},  # where the project itself lies in /tmp
    "closed 1": {"stdout": "standard output"},
    "closed 0, 1, 2": {"stdout": "standard output"},
}


def expected_words(program: Program, host: Host) -> list[str]:
    """Return patterns of what a refusal may say; without any, the program has to work."""
    taken = [takes for name, takes in TAKES.items() if name in host.parts]
    return [words for takes in taken for need, words in takes.items() if need in program.needs or need == ""]


def refuses(program: Program, host: Host, said: str) -> bool:
    """Whether it says what this host takes away, if it has to."""
    return any(re.search(words, said, re.IGNORECASE) for words in expected_words(program, host))


def verdict(program: Program, host: Host, talk: Talk, place: Place, seen: bool) -> tuple[str, str]:
    """Return ("ok" or "refused" or "FAILED", why). seen: whether a program that lasts was seen to work."""
    if talk.code is None:
        return "FAILED", f"no end after {ANSWER_S:g} s"
    unplain = UNPLAIN.search(talk.said)
    if unplain is not None:
        return "FAILED", f"it says {unplain.group()!r}"
    if talk.code in program.healthy:
        if program.lasts and not seen and refuses(program, host, talk.said):
            return "refused", _last_line(talk)
        if not {1, 2} & host.closed and not program.proof.search(talk.said):
            return "FAILED", f"exit {talk.code}, and nothing tells that it works"
        if program.lasts and not seen:
            return "FAILED", f"exit {talk.code}, and it was not seen to work"
        if program.makes and not program.lasts and not (place.folder / program.makes).exists():
            return "FAILED", f"exit {talk.code}, and no {program.makes}"
        return "ok", ""
    if program.lasts and {1, 2} & host.closed and talk.code == INTERRUPTED:
        return "ok", ""  # nobody could see whether it had begun
    if program.lasts and talk.code == INTERRUPTED and expected_words(program, host):
        return "refused", _last_line(talk)  # it was about to end by itself
    # SIGTERM may find a program that is about to end by itself.
    if talk.code not in REFUSED and not (program.lasts and talk.err and talk.code == -signal.SIGTERM):
        return "FAILED", f"exit {talk.code}"
    words = expected_words(program, host)
    if not words:
        return "FAILED", f"exit {talk.code}, though this host has what it needs"
    unheard = 2 in host.closed or (1 in host.closed and not talk.err)
    if not unheard and not refuses(program, host, talk.said):
        return "FAILED", f"exit {talk.code}, without a word of the cause: {' or '.join(words)}"
    return "refused", _last_line(talk)


def _last_line(talk: Talk) -> str:
    return (talk.err or talk.out).strip().splitlines()[-1] if talk.said.strip() else ""
