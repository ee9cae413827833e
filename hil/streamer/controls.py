# SPDX-License-Identifier: Apache-2.0
"""The controls of a V4L2 camera, as the command line or the configuration file gives them."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from .channels import ChannelError
from .sources.factory import is_v4l2

if TYPE_CHECKING:
    import argparse

_MOST = 1 << 31  # a control has 32 bits


def controls_of(arguments: argparse.Namespace, config: dict[str, Any], device: str) -> dict[str, int]:
    """Return the camera's controls that are to be set, by name. Raises ChannelError."""
    said = config.get("control", {})
    if arguments.control:
        said = {name: value for name, _, value in (words.partition("=") for words in arguments.control)}
    controls = {name: _whole_number(value) for name, value in said.items()}
    for name, value in controls.items():
        if value is None or not re.fullmatch("[a-z0-9]+(_[a-z0-9]+)*", name):
            raise ChannelError(f"control {name}={said[name]}: give the name that v4l2-ctl -l shows, and a whole number")
    if controls and not is_v4l2(device):
        raise ChannelError(f"control: {device} has none; only V4L2 cameras have controls")
    return {name: value for name, value in controls.items() if value is not None}


def _whole_number(value: object) -> int | None:
    """Return the number of a V4L2 control, which has 32 bits, or None if that is none."""
    with contextlib.suppress(ValueError):
        number = value if type(value) is int else int(value) if isinstance(value, str) else None
        return number if number is not None and -_MOST <= number < _MOST else None
    return None
