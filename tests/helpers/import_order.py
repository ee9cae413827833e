# SPDX-License-Identifier: Apache-2.0
"""What each Python file imports, the order of the packages that may import each other, and trees to judge by it."""

import ast
from collections.abc import Iterator
from pathlib import Path

# What the commands are made of, beside the binding; each may import those before it, and none after it.
COMMANDS = ("commandline", "serving", "bridges", "bundles", "cli")

# From the ground up; rooms on one floor do not know each other.
FLOORS = (
    {"processes", "figures"},
    {"streamer"},
    {"usb"},
    {"vm"},
    {"workers"},
    {"host", "blocks"},
    {"fleet"},
    {"gate"},
    {"report"},
    {"suite", "bench", "farm"},
    {"cli"},
)


def plant(root: Path, file: str, text: str) -> None:
    """Make a file of a tree that is to be judged by its imports."""
    path = root / file
    path.parent.mkdir(parents=True)
    path.write_text(text + "\n")


def imports_of(path: Path, package: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Return each module that a package's file imports, and when: at load, at a call, or only for its types."""
    tree = ast.parse(path.read_text(), str(path))
    when: dict[ast.AST, str] = {}
    for outer in ast.walk(tree):
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
            when |= dict.fromkeys(ast.walk(outer), "call")
        elif isinstance(outer, ast.If) and ast.unparse(outer.test).endswith("TYPE_CHECKING"):
            for statement in outer.body:
                when |= dict.fromkeys(ast.walk(statement), "types")
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            names = [".".join((*above, *filter(None, [node.module]), alias.name)) for alias in node.names]
        for name in names:
            yield name, when.get(node, "load")
