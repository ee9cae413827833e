# SPDX-License-Identifier: Apache-2.0
"""What the library promises and can be told by yes or no: each asked in a process of its own.

lib/tests asks much of this of the tree's own objects, on purpose; in_c.py asks those of its files that need the public
header alone of any library.
"""

import importlib
import pkgutil

from .scene import PROMISES

for _module in pkgutil.iter_modules(__path__):
    if _module.name not in ("__main__", "troupe"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["PROMISES"]
