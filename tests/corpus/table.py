# SPDX-License-Identifier: Apache-2.0
"""The table of streams: what each is, what is special about it, and what must come out."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
TABLE = FOLDER / "streams.toml"


@dataclass(frozen=True)
class Stream:
    """entries: one sign an access unit: I for IDR, R for another entry point, a point for none.

    sizes: of the access units in bytes, of which the first begins at begin.
    frames: what a decoder shows of it; None where no decoder of ours understands it.
    """

    name: str
    encoder: str
    codec: str  # h264 or h265
    special: str
    entries: str
    sizes: tuple[int, ...]
    begin: int
    frames: int | None
    recipe: dict[str, Any]

    @property
    def path(self) -> Path:
        return FOLDER / self.name

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    @property
    def units(self) -> int:
        """How many access units it has, a pair of fields being one."""
        return len(self.entries)

    def __str__(self) -> str:
        return self.name


@cache
def streams() -> tuple[Stream, ...]:
    """Return all streams, in the table's order."""
    with TABLE.open("rb") as file:
        encoders = tomllib.load(file)
    found = []
    for encoder, group in encoders.items():
        for name, row in group["streams"].items():
            recipe = {"name": name, "codec": group.get("codec"), **row}
            prefix = "" if encoder in ("own", "edited") else f"{encoder}_"
            entries = row.get("entries", "")
            found.append(
                Stream(
                    name=f"{prefix}{name}.{recipe['codec']}",
                    encoder=encoder,
                    codec=recipe["codec"],
                    special=row["special"],
                    entries=entries,
                    sizes=tuple(row.get("sizes", ())),
                    begin=row.get("begin", 0),
                    frames=row.get("frames", len(entries)) if row.get("decodes", True) else None,
                    recipe=recipe,
                )
            )
    return tuple(found)
