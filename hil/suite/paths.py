# SPDX-License-Identifier: Apache-2.0
"""Where the tree under test is, and what was built of it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VIDEO_SHM_BUILD", ROOT / "build")).resolve()
SHARED_MEMORY = Path("/dev/shm")
C_CONSUMER = BUILD / "tests" / "video_consumer"
