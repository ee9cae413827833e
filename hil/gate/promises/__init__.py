# SPDX-License-Identifier: Apache-2.0
"""What the library promises, as far as it can be answered by yes or no. Each promise is asked in its own process.

lib/tests asks much of this of the tree's own objects, on purpose. in_c.py asks any library those of its files that need
only the public header.
"""

import importlib
import pkgutil

from .scene import PROMISES

for _module in pkgutil.iter_modules(__path__):
    if _module.name not in ("__main__", "troupe"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["PROMISES"]
