# SPDX-License-Identifier: Apache-2.0
"""The muxer, a child process of the verb: whatever FFmpeg is blocked in, the process can be ended.

It reads an order and then frames from stdin, and writes lines to stdout: "taken" for each frame that it has read, "sent
RING NUMBER" or "refused RING NUMBER" for each frame, "up" when a session has begun, "say TEXT", and at a bad end
"failed TEXT", or "final TEXT" if another attempt would fail in the same way. At the end of stdin it ends the session,
and itself. Its word is the pid of the verb.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from ctypes import CDLL
from urllib.parse import urlsplit

from ...frame import Frame
from ...printable import printable
from .destination import destination
from .messages import read_message, read_order
from .refusal import is_final, why
from .session import Session

_PR_SET_PDEATHSIG = 1


def _tell(*words: object) -> None:
    sys.stdout.write(printable(" ".join(map(str, words)).replace("\n", " ")) + "\n")
    sys.stdout.flush()


def _timed(frame: Frame, offset_ns: int) -> Frame:
    """Return a frame of a version 1 writer with its wall-clock time as a time of the monotonic clock."""
    if frame.capture_ns or frame.publish_ns:
        return frame
    view = list(frame._view)
    view[5] = max(frame.timestamp_ms * 1_000_000 - offset_ns, 1)
    return Frame(tuple(view), frame.data)


def main() -> int:
    """Publish until the end of stdin. Returns 0, or 1 if the far side is gone or can't be reached."""
    CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if sys.argv[1:] != [str(os.getppid())]:  # the verb was killed before, and nobody else would end this process
        return 1
    for number in (signal.SIGINT, signal.SIGHUP):  # of a terminal: the verb decides
        signal.signal(number, signal.SIG_IGN)
    import av

    av.logging.set_level(av.logging.ERROR)  # so that errors say what the server answered
    logging.getLogger("libav").addHandler(logging.NullHandler())
    order = read_order(sys.stdin.buffer)
    offset_ns = time.time_ns() - time.monotonic_ns()
    target = destination(order.address, order.authorities)
    session = Session(av, target, order.rings, _tell)
    try:
        if host := urlsplit(target.address).hostname:
            socket.getaddrinfo(host, None)  # tells what is wrong; of a name that nobody knows FFmpeg says EIO
        while (message := read_message(sys.stdin.buffer)) is not None:
            session.take(message._replace(frame=_timed(message.frame, offset_ns)))
            _tell("taken")
        session.close()
        return 0
    except Exception as error:  # of the far side, or of this host
        with suppress(OSError):
            _tell("final" if is_final(error) else "failed", why(error))
        return 1


if __name__ == "__main__":
    code = main()
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(code)  # without a last attempt of FFmpeg's to reach the far side
