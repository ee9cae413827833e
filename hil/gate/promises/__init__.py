# SPDX-License-Identifier: Apache-2.0
"""What the library promises and can be told by yes or no: each asked in a process of its own."""

import importlib
import pkgutil

from .scene import PROMISES

for _module in pkgutil.iter_modules(__path__):
    if _module.name not in ("__main__", "troupe"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["PROMISES"]
