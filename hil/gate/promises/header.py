# SPDX-License-Identifier: Apache-2.0
"""Reads from video_shm.h what it declares: calls, structs, enums and constants."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ...workers.c_sources import include_folder

NAME = "video_shm.h"
CHOSEN = "VIDEO_SHM_GATE_HEADER"  # the path of the header with which the asking program was compiled


class Declaration(NamedTuple):
    """A declared call. text: on one line. arguments: their types."""

    text: str
    result: str
    arguments: list[str]


@dataclass(frozen=True, slots=True)
class Header:
    """A header.

    structs: {struct: {field: type}}, where an array is "type[length]". errors: those in the table at its top.
    """

    text: str
    calls: dict[str, Declaration] = field(init=False)
    structs: dict[str, dict[str, str]] = field(init=False)
    enums: dict[str, dict[str, int]] = field(init=False)
    errors: list[str] = field(init=False)

    def __post_init__(self) -> None:
        code = re.sub(r"/\*.*?\*/", "", self.text, flags=re.DOTALL)
        object.__setattr__(self, "calls", _calls(code))
        object.__setattr__(self, "structs", _structs(code))
        object.__setattr__(self, "enums", _enums(code))
        object.__setattr__(self, "errors", re.findall(r"^ \*   (E[A-Z]+) ", self.text, flags=re.MULTILINE))


@cache
def read_header() -> Header:
    """Return this gate's own header, or the one that was chosen. Raises OSError."""
    chosen = os.environ.get(CHOSEN)
    return Header(Path(chosen or include_folder() / NAME).read_text())


def _type_of(declared: str) -> str:
    """Return the type without the name: "const uint8_t *data" gives "const uint8_t *"."""
    return re.sub(r"\w+$", "", declared.strip()).strip()


def _calls(code: str) -> dict[str, Declaration]:
    found = {}
    pattern = r"^([a-z][\w ]*[ *])(video_shm_\w+)\(([^()]*)\);"
    for match in re.finditer(pattern, code, flags=re.MULTILINE):
        result, name, arguments = match.groups()
        kinds = [] if arguments == "void" else [_type_of(part) for part in arguments.split(",")]
        found[name] = Declaration(" ".join(match[0].split()), result.strip(), kinds)
    return found


def _structs(code: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for body, name in re.findall(r"^typedef struct \w+ \{(.*?)\} (\w+);", code, flags=re.DOTALL | re.MULTILINE):
        fields = found[name] = {}
        for kind, names in re.findall(r"(const \w+ \*|\w+ )([\w, \[\]]+);", body):
            for one, length in re.findall(r"(\w+)(\[\d+\])?", names):
                if not one.isdigit():
                    fields[one] = kind.strip() + length
    return found


def _enums(code: str) -> dict[str, dict[str, int]]:
    found = {}
    for name, body in re.findall(r"^enum (\w+) \{(.*?)\};", code, flags=re.DOTALL | re.MULTILINE):
        found[name] = {key: int(value) for key, value in re.findall(r"(\w+) = (\d+)", body)}
    return found
