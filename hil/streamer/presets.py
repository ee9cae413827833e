# SPDX-License-Identifier: Apache-2.0
"""The presets: names for complete services, whose settings apply where nothing else is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .channels import ChannelError

if TYPE_CHECKING:
    import argparse


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset. channels: as [[channel]] tables. websocket: the option's argument, or None to serve nothing."""

    channels: tuple[dict[str, Any], ...] = ({},)
    websocket: str = ""


PRESETS = {"original": Preset(tuple({"ring": str(number)} for number in range(3)), "8765")}


def preset_of(arguments: argparse.Namespace, config: dict[str, Any]) -> Preset:
    """Return the preset of the command line, else of the file, else one with a single channel. Raises ChannelError."""
    name = arguments.preset or config.get("preset")
    if name is None:
        return Preset()
    if name not in PRESETS:
        raise ChannelError(f"preset={name}: one of {', '.join(PRESETS)}")
    return PRESETS[name]
