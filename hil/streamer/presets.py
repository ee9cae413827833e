# SPDX-License-Identifier: Apache-2.0
"""Services that are known by name: what --preset stands for where nothing else is said."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from .channels import ChannelError


@dataclass(frozen=True, slots=True)
class Preset:
    """channels: as [[channel]] tables. websocket: as the option's words; none: not served."""

    channels: tuple[dict[str, Any], ...] = ({},)
    websocket: str = ""


PRESETS = {"original": Preset(tuple({"ring": str(number)} for number in range(3)), "8765")}


def preset_of(arguments: argparse.Namespace, config: dict[str, Any]) -> Preset:
    """From the command line, else from the file, else one channel alone. Raises ChannelError."""
    name = arguments.preset or config.get("preset")
    if name is None:
        return Preset()
    if name not in PRESETS:
        raise ChannelError(f"preset={name}: one of {', '.join(PRESETS)}")
    return PRESETS[name]
