# SPDX-License-Identifier: Apache-2.0
"""What hil gate promise prints."""

from io import StringIO

from rich.console import Console

from hil.cli.main import build_parser
from hil.gate import alone


def said(*words: str) -> tuple[int, str]:
    out = StringIO()
    options = build_parser().parse_args(["gate", "promise", *words])
    return alone.run(options, Console(file=out, width=100)), out.getvalue()
