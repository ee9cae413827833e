# SPDX-License-Identifier: Apache-2.0
"""``python -m hil.gate.promises SECONDS FIRST OTHER NAME...`` asks promises, and prints a line of JSON for each."""

import os
import sys
from pathlib import Path

from ...processes.parent import die_with_parent
from . import troupe

die_with_parent(os.getppid())
troupe.main(float(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
