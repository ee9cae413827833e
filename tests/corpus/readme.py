# SPDX-License-Identifier: Apache-2.0
"""README.md's tables: of the streams from streams.toml, of the files from files.py."""

import tomllib
from typing import Any

from corpus.files import FILES
from corpus.table import FOLDER, TABLE, Stream, streams

README = FOLDER / "README.md"
BEGIN = "<!-- What follows is written by make.py. -->\n"


def table() -> str:
    """Return one section for each encoder."""
    with TABLE.open("rb") as file:
        versions = {encoder: group["version"] for encoder, group in tomllib.load(file).items()}
    lines = []
    for encoder, version in versions.items():
        lines += [
            f"\n## {version}\n\n",
            "| stream | options | what is special | what must come out |\n",
            "|---|---|---|---|\n",
        ]
        lines += [row(stream) for stream in streams() if stream.encoder == encoder]
    lines += ["\n## Files, by FFmpeg 5.1\n\n", "| file | what is special | what must come out |\n", "|---|---|---|\n"]
    lines += [f"| {file.name} | {file.special} | {file.outcome} |\n" for file in FILES]
    return "".join(lines)


def row(stream: Stream) -> str:
    cells = [stream.name, options(stream.recipe), stream.special, outcome(stream)]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def options(recipe: dict[str, Any]) -> str:
    """Return how the stream differs from the encoder's other streams."""
    words = [recipe[key] for key in ("element", "params", "arguments", "options", "library") if key in recipe]
    words += [recipe["size"]] if "size" in recipe else []
    words += [f"of {recipe['of']}"] if "of" in recipe else []
    return " ".join(f"`{word}`" for word in words)


def outcome(stream: Stream) -> str:
    """Return the outcome in words."""
    said = f"{stream.units} access units: `{stream.entries}`"
    if stream.frames is None:
        return f"{said}; no decoder of ours understands it"
    return said if stream.frames == stream.units else f"{said}; {stream.frames} pictures shown"


def write_table() -> None:
    text = README.read_text()
    README.write_text(text[: text.index(BEGIN)] + BEGIN + table())


def is_true() -> bool:
    """Whether README.md says what streams.toml says."""
    return README.read_text().endswith(BEGIN + table())
