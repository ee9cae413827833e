# SPDX-License-Identifier: Apache-2.0
"""What a far side's failure means: what to say of it, and whether the next attempt would fail in the same way.

A server that can't be reached may come back, one that is busy may have room later. One that answers that it doesn't let
this user in, or has no such path, says the same as long as neither the command nor the server is changed. A certificate
may only be judged by a clock that is set: a board without a battery for it starts in the past.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from ...commandline.rate_limited_log import in_a_line
from ...machine import EARLIEST_S
from .srt import SrtError

# RTSP's (RFC 7826 clause 17), and, less 1000, those that SRT's listeners send. 400 is not among them: MediaMTX says so
# while another client publishes to the path.
FINAL_STATUSES = {
    *(401, 403, 404, 405),
    415,  # no such codecs
    461,  # no TCP
    *(501, 505),
}
TIMESYNC = Path("/run/systemd/timesync")  # of systemd-timesyncd, as long as it runs
_SAYS_WHY = ("rtsp", "tls")  # what FFmpeg's others say is in the error, too, or about the frames
_NOT_TRUSTED = re.compile("failed verification|does not match", re.IGNORECASE)  # of the server's certificate
_STATUS = re.compile(r"failed: ([1-9]\d\d)\b")


def why(error: BaseException) -> str:
    """Return why the far side can't be reached, or is gone."""
    if isinstance(error, (BrokenPipeError, ConnectionResetError)):
        return "the far side has closed the connection"
    if logged := _logged(error):
        return f"{logged}: {_by_clock()}" if _NOT_TRUSTED.search(logged) and not _clock_is_set() else logged
    told = getattr(error, "strerror", None) or (str(error) if isinstance(error, (OSError, ValueError)) else None)
    return str(told or in_a_line(error))  # such as no memory left


def is_final(error: BaseException) -> bool:
    """Return whether the same attempt would fail again, until something is changed."""
    if isinstance(error, SrtError):
        return error.is_final or error.reason - 1000 in FINAL_STATUSES
    logged = _logged(error)
    status = _STATUS.search(logged)
    if status is not None:
        return int(status[1]) in FINAL_STATUSES
    return _NOT_TRUSTED.search(logged) is not None and _clock_is_set()


def _clock_is_set() -> bool:
    """Return whether the wall clock may be right: a board may also begin with the date of its image."""
    is_awaited = TIMESYNC.is_dir() and not (TIMESYNC / "synchronized").exists()
    return time.time() >= EARLIEST_S and not is_awaited


def _by_clock() -> str:
    today = time.strftime("%Y-%m-%d", time.gmtime())
    return f"it may not be valid yet on {today}, as this machine's clock, not set so far, says: see timedatectl"


def _logged(error: Any) -> str:
    """Return what FFmpeg has logged of the error."""
    log = getattr(error, "log", None)
    return str(log[2]).strip() if log is not None and log[1] in _SAYS_WHY else ""
