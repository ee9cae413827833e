# SPDX-License-Identifier: Apache-2.0
"""Logs as vshm watch writes them."""

import json
import sys
from pathlib import Path
from typing import Any

WATCH = [sys.executable, "-m", "vshm_ctypes", "watch"]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def second(time: float, **changed: Any) -> dict[str, Any]:
    line = {
        "time": time,
        "ring": "/r",
        "fps": 30.0,
        "bit_rate": 1e6,
        "latency_s": {"50": 1e-4, "99": 2e-4},
        "missed": 0,
    }
    return line | changed


def event(time: float, kind: str = "gap", text: str = "3 frames missed") -> dict[str, Any]:
    return {"time": time, "ring": "/r", "event": kind, "text": text, "count": 3}


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path
