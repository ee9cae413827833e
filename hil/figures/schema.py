# SPDX-License-Identifier: Apache-2.0
"""Checks files that people or other machines wrote against their JSON Schema before they are used."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def check(document: Any, schema: Path) -> None:
    """Check a document. Raises ValueError that names the place in it, and what is wrong there."""
    from jsonschema import Draft202012Validator  # slow to import
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).iter_errors(document))
    if error is None and (place := next(_endless(document, "$"), None)):
        raise ValueError(f"{place}: no finite number")
    if error is not None:
        message = error.message if len(error.message) < 200 else f"{error.message[:200]}…"
        raise ValueError(f"{error.json_path}: {message}")


def _endless(value: Any, place: str) -> Iterator[str]:
    """Yield where NaN or infinity stands: Python's JSON and TOML accept them, and no limit would exclude them."""
    if isinstance(value, float) and not math.isfinite(value):
        yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from _endless(part, f"{place}.{name}")
