# SPDX-License-Identifier: Apache-2.0
"""camera-streamer's log on stderr, one line per event, as text or JSON. Nothing is logged per frame."""

from __future__ import annotations

import logging
import sys
from typing import Literal, TextIO

from vshm_ctypes.printable import printable

LOG = logging.getLogger("camera-streamer")


class _Text(logging.Formatter):
    """A line for people, in which control characters of names are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        import json
        from datetime import UTC, datetime

        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": time, "level": record.levelname.lower(), "event": record.getMessage()})


class _ToStderr(logging.StreamHandler[TextIO]):
    """Writes to the present sys.stderr, which the status display replaces so that log lines appear above it."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr  # the previous stream may be closed by now
        super().emit(record)


def set_up(form: Literal["text", "json"]) -> None:
    """Log to stderr in the given form."""
    handler = _ToStderr()
    handler.setFormatter(_Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(message)s"))
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
