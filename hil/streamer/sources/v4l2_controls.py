# SPDX-License-Identifier: Apache-2.0
"""Sets a camera's controls by name, whenever it is opened: one that was plugged in again has forgotten them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from .v4l2_abi import v4l2

_HEADING = 6  # V4L2_CTRL_TYPE_CTRL_CLASS: no control, but the name of those below it
Wanted = Sequence[tuple[str, int]]


def control_name(text: str) -> str:
    """Return a control's name as v4l2-ctl writes it, such as exposure_dynamic_framerate."""
    return "_".join(re.findall("[a-z0-9]+", text.lower()))


def controls_of(device: Any) -> dict[str, int]:
    """Return the numbers of an open device's controls by name. Raises OSError."""
    found = v4l2.iter_read_controls(device)
    return {control_name(each.name.decode(errors="replace")): each.id for each in found if each.type != _HEADING}


def set_controls(device: Any, wanted: Wanted) -> Iterator[str]:
    """Set controls of an open device in this order, and yield what could not be done, with what to do."""
    if not wanted:
        return
    try:
        there = controls_of(device)
    except OSError as error:
        yield f"its controls can't be set: {error.strerror}"
        return
    for name, value in wanted:
        if name not in there:
            yield f"it has no control {name}: {', '.join(sorted(there)) or 'it has none at all'}"
            continue
        try:
            v4l2.set_control(device, there[name], value)
        except (OSError, OverflowError) as error:
            why = error.strerror if isinstance(error, OSError) else "too large"
            yield f"its control {name} can't be set to {value}: {why}; v4l2-ctl -L tells what it may be"
