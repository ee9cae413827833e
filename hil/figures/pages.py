# SPDX-License-Identifier: Apache-2.0
"""What all pages of hil share: one frame and one style, which the templates of other packages extend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

FRAME = Path(__file__).parent / "templates"


def page_environment(folder: Path) -> Environment:
    """Return the environment for a folder's templates. All values are escaped, since they may come from a stranger."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([folder, FRAME]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
