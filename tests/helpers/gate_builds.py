# SPDX-License-Identifier: Apache-2.0
"""Builds libraries for tests of the gate."""

import subprocess
from pathlib import Path

from writers import BUILD

ORIGINAL = [f"video_shm_producer_{call}" for call in ("init", "init_channel", "write", "destroy")]
ORIGINAL += [f"video_shm_consumer_{call}" for call in ("init", "init_channel", "read", "wait", "stats", "destroy")]


def older(folder: Path) -> Path:
    """Build the library with the original's calls only."""
    old, script = folder / "old.so", folder / "old.map"
    script.write_text(f"{{ global: {'; '.join(ORIGINAL)}; local: *; }};")
    objects = sorted((BUILD / "CMakeFiles" / "video_shm_objects.dir" / "src").glob("*.o"))
    command: list[str | Path] = ["cc", "-shared", "-pthread", f"-Wl,--version-script={script}", "-o", old, *objects]
    subprocess.run(command, check=True, timeout=60)
    return old
