# SPDX-License-Identifier: Apache-2.0
"""``python -m hil.gate.promises NAME...`` plays scenes, prints what was broken, a line each; nothing: all was kept."""

import itertools
import os
import sys

from ..stage import die_with_parent
from . import PROMISES

MOST_LINES = 10

die_with_parent(os.getppid())
for name in sys.argv[1:] or PROMISES:
    for broken in itertools.islice(PROMISES[name](), MOST_LINES):
        print(broken, flush=True)
