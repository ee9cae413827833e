# SPDX-License-Identifier: Apache-2.0
"""What USB cameras of our own need inside the virtual machine: pictures made beforehand, and a command beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..usb.clips import VARIABLE, clip_folder, missing_clips
from ..usb.designs import DESIGNS, design_of
from .system import System, module_inside

CLIPS = Path("/opt/video-shm/clips")  # in another system, which does not see this machine's cache


def clips_for(designs: Iterable[str], system: System | None) -> dict[str, str]:
    """Make the pictures of these designs, since an emulated encoder is slow. Returns the environment that tells where.

    Those that were made before are found inside, too, whatever the designs. system: that sees them, or None for this
    machine's own files. Raises OSError or UnknownDesign.
    """
    from ..usb.clip_maker import make_clips  # PyAV is slow to import

    clips = [clip for design in DESIGNS.values() for clip in design.clips()]
    folder = clip_folder() if system is None and not missing_clips(clip_folder(), clips) else None
    for name in designs:
        folder = make_clips(design_of(name), system.root / CLIPS.relative_to("/") if system else None)
    if folder is None:
        return {}
    return {VARIABLE: str(CLIPS if system else folder)}


def beside_cameras(count: int, design: str, system: System | None, command: Sequence[str]) -> tuple[str, ...]:
    """Return the command that plugs in so many cameras, and runs the given one beside them."""
    return tuple(module_inside(system, "hil.usb", "beside", str(count), design, "--", *command))
