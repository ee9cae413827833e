# SPDX-License-Identifier: Apache-2.0
"""Short programs that show what rings are good for: ``python -m vshm_ctypes.examples.recorder --help``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from vshm_ctypes.errors import VideoShmError


@contextmanager
def ends_plainly() -> Iterator[None]:
    """End the program without a traceback: at Ctrl-C, and where there is no ring, with what to do."""
    try:
        yield
    except KeyboardInterrupt:
        pass
    except VideoShmError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
