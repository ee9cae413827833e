# SPDX-License-Identifier: Apache-2.0
"""What video_shm.h declares, parsed."""

import re
from typing import NamedTuple

from writers import ROOT

HEADER = (ROOT / "lib" / "include" / "video_shm.h").read_text()
_CODE = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)


class Declaration(NamedTuple):
    """A call. text: on one line."""

    text: str
    result: str
    arguments: list[str]


def _type_of(declared: str) -> str:
    """Without the name: "const uint8_t *data" is a "const uint8_t *"."""
    return re.sub(r"\w+$", "", declared.strip()).strip()


def _declarations() -> dict[str, Declaration]:
    found = {}
    pattern = r"^([a-z][\w ]*[ *])(video_shm_\w+)\(([^()]*)\);"
    for match in re.finditer(pattern, _CODE, flags=re.MULTILINE):
        result, name, arguments = match.groups()
        kinds = [] if arguments == "void" else [_type_of(part) for part in arguments.split(",")]
        found[name] = Declaration(" ".join(match[0].split()), result.strip(), kinds)
    return found


def _structs() -> dict[str, dict[str, str]]:
    """{struct: {field: type}}; an array is "type[length]"."""
    found: dict[str, dict[str, str]] = {}
    for body, name in re.findall(r"^typedef struct \w+ \{(.*?)\} (\w+);", _CODE, flags=re.DOTALL | re.MULTILINE):
        fields = found[name] = {}
        for kind, names in re.findall(r"(const \w+ \*|\w+ )([\w, \[\]]+);", body):
            for field, length in re.findall(r"(\w+)(\[\d+\])?", names):
                if not field.isdigit():
                    fields[field] = kind.strip() + length
    return found


def _enums() -> dict[str, dict[str, int]]:
    found = {}
    for name, body in re.findall(r"^enum (\w+) \{(.*?)\};", _CODE, flags=re.DOTALL | re.MULTILINE):
        found[name] = {key: int(value) for key, value in re.findall(r"(\w+) = (\d+)", body)}
    return found


DECLARATIONS = _declarations()
STRUCTS = _structs()
ENUMS = _enums()
ERRORS = re.findall(r"^ \*   (E[A-Z]+) ", HEADER, flags=re.MULTILINE)
