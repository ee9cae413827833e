# SPDX-License-Identifier: Apache-2.0
"""What --camera says of a USB camera of our own. It is apart from the cameras, so that hil starts without them."""

from __future__ import annotations

from hil.usb.designs import design_of

USB, DESIGN = "usb", "webcam"


def usb_design(words: str) -> str | None:
    """Return the name of the design that usb or usb:DESIGN means, or None for other words. Raises UnknownDesign."""
    kind, _, name = words.partition(":")
    if kind != USB:
        return None
    design_of(name or DESIGN)
    return name or DESIGN
