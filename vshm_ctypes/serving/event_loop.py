# SPDX-License-Identifier: Apache-2.0
"""Runs an event loop, or says that there are not the descriptors or sockets for one.

asyncio itself leaves a half-made loop then, which complains with a traceback as it is put away.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

from .sockets import require_pair

_DESCRIPTORS = 3  # a selector, and a pair of sockets to wake it


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run what main returns in a new event loop to its end. Raises OSError if the loop can't be made here."""
    require_pair("asyncio")
    with ExitStack() as held:
        for _ in range(_DESCRIPTORS):
            held.callback(os.close, os.open("/", os.O_PATH | os.O_CLOEXEC))
    asyncio.run(main())
