# SPDX-License-Identifier: Apache-2.0
"""The command that runs a module in a process of its own, wherever this program has its modules from.

Python's -m would look for modules in the current folder first, where a stranger's json.py may lie. The child imports
from where this process does, and from nowhere else.
"""

from __future__ import annotations

import errno
import sys

_RUN = (
    "import sys; sys.path[:] = {path!r}; import runpy; "
    "sys.argv[:3] = ['-m']; runpy.run_module({module!r}, None, '__main__', True)"
)
_OURS = ("vshm_ctypes", "hil")


def own_module(module: str, *words: str) -> list[str]:
    """Return the command. It ends with -m MODULE WORDS..., so that people can tell what runs.

    A frozen program has no Python but is one: it is started itself, and run_if_told() does the rest.

    Raises OSError if it is not known where this Python is, as in a program that embeds one.
    """
    if not sys.executable:
        raise OSError(errno.ENOENT, f"{module} needs a Python of its own, and sys.executable does not say where one is")
    if getattr(sys, "frozen", False):
        return [sys.executable, "-m", module, *words]
    flags = sys.flags
    kept = {"E": flags.ignore_environment, "s": flags.no_user_site, "S": flags.no_site, "O": flags.optimize}
    options = [f"-{letter * int(count)}" for letter, count in kept.items() if count]
    return [sys.executable, "-P", *options, "-c", _RUN.format(path=sys.path, module=module), "-m", module, *words]


def run_if_told() -> None:
    """In a frozen program that own_module() has started: run the module, and end. Elsewhere do nothing."""
    words = sys.argv[1:3]
    if not getattr(sys, "frozen", False) or words[:1] != ["-m"] or words[-1].partition(".")[0] not in _OURS:
        return
    import runpy

    sys.argv[1:3] = []
    runpy.run_module(words[1], None, "__main__", True)
    sys.exit()
