# SPDX-License-Identifier: Apache-2.0
"""What the library promises and can be told by yes or no: each a short scene, with the library in VSHM_LIBRARY."""

from . import death, reading, writing
from .scene import PROMISES

__all__ = ["PROMISES", "death", "reading", "writing"]
