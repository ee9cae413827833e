# SPDX-License-Identifier: Apache-2.0
"""camera-streamer, also as ``python -m hil.streamer``: what keeps it from being loaded is told in words."""

from __future__ import annotations

import sys

from vshm_ctypes._command import ends_with
from vshm_ctypes.descriptors import open_standard_streams
from vshm_ctypes.limits import explain, keep_to_own_threads


def main() -> int:
    """Run camera-streamer with the words of the command line. Returns the exit code."""
    open_standard_streams()
    keep_to_own_threads()
    try:
        from .main import main as run
    except ModuleNotFoundError as error:
        print(f"camera-streamer: it needs {error.name}: pip install 'video-shm[hil]'", file=sys.stderr)
        return 1
    except (ImportError, MemoryError) as error:
        print(f"camera-streamer: {explain(error)}", file=sys.stderr)
        return 1
    return ends_with(run())


if __name__ == "__main__":
    raise SystemExit(main())
