# SPDX-License-Identifier: Apache-2.0
"""What hil's pages have in common: one frame and one style, which the templates of other rooms extend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

FRAME = Path(__file__).parent / "templates"


def page_environment(folder: Path) -> Environment:
    """Return the environment for a folder's templates. What they show may be a stranger's: all is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([folder, FRAME]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
