# SPDX-License-Identifier: Apache-2.0
"""Sets a camera's controls by name, whenever it is opened: one that was plugged in again has forgotten them."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from typing import Any

from .v4l2_abi import v4l2

_HEADING = 6  # V4L2_CTRL_TYPE_CTRL_CLASS: no control, but the name of those below it
_NEXT = 0xC0000000  # V4L2_CTRL_FLAG_NEXT_CTRL and _COMPOUND: what comes behind that number
_NO_MORE = (errno.EINVAL, errno.ENOTTY)
_NOT_NOW = (errno.EACCES, errno.EILSEQ)  # for what an automatic control sets meanwhile, or nobody may set
# linux/v4l2-controls.h: the numbers of the standard controls of pictures and of cameras
_STANDARD = (*range(0x00980900, 0x00980940), *range(0x009A0900, 0x009A0940))
Wanted = Sequence[tuple[str, int]]


def control_name(text: str) -> str:
    """Return a control's name as v4l2-ctl writes it, such as exposure_dynamic_framerate."""
    return "_".join(re.findall("[a-z0-9]+", text.lower()))


def controls_of(device: Any) -> dict[str, int]:
    """Return the numbers of an open device's controls by name. Raises OSError if it describes none of those it has.

    One that is not described hides none of the others: some cameras refuse to tell the range of a control.
    """
    found: dict[str, int] = {}
    at, failure = 0, None
    while (control := _described(device, at | _NEXT)) is not None:
        if isinstance(control, OSError):  # nobody says of which one, so those behind it are asked for one by one
            failure = control
            if control.errno == errno.ETIMEDOUT:  # the camera does not answer at all, and each question takes seconds
                break
            behind = (_described(device, number) for number in _STANDARD if number > at)
            control = next((each for each in behind if each is not None and not isinstance(each, OSError)), None)
            if control is None:
                break
        if control.id <= at:  # the driver goes round in a circle
            break
        if control.type != _HEADING:
            found[control_name(control.name.decode(errors="replace"))] = control.id
        at = control.id
    if failure is not None and not found:
        raise failure
    return found


def _described(device: Any, number: int) -> Any:
    """Return what the driver says of a control, None if it has none of that number, or why it can't say it."""
    control = v4l2.raw.v4l2_query_ext_ctrl(id=number)
    try:
        v4l2.ioctl(device, v4l2.IOC.QUERY_EXT_CTRL, control)
    except OSError as error:
        return None if error.errno in _NO_MORE else error
    return control


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
            advice = "v4l2-ctl -L tells what it may be"
            if isinstance(error, OSError) and error.errno in _NOT_NOW:
                why = "it is inactive, or read-only"
                advice = (
                    "where an automatic one sets it, that is to be set to manual before it, such as auto_exposure=1"
                )
            yield f"its control {name} can't be set to {value}: {why}; {advice}"
