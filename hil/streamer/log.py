# SPDX-License-Identifier: Apache-2.0
"""camera-streamer's log: one line for each event, on stderr, as text or JSON; never one per frame."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

LOG = logging.getLogger("camera-streamer")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": time, "level": record.levelname.lower(), "event": record.getMessage()})


class _ToStderr(logging.StreamHandler[TextIO]):
    """Whatever sys.stderr is at the moment: where the status is shown in place, what puts a line above it."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr  # the one before may be closed by now
        super().emit(record)


def set_up(form: Literal["text", "json"]) -> None:
    """Log to stderr in that form."""
    handler = _ToStderr()
    handler.setFormatter(_Json() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
