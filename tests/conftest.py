# SPDX-License-Identifier: Apache-2.0
"""Fixtures that more than one file needs."""

import importlib.util
import os
import signal
from collections.abc import Iterator

import pytest
from writers import BUILD, ROOT, SHARED_MEMORY, Channel, Writer

# Before anything imports the binding, here or in a child: this tree's, not one that happens to be installed.
os.environ["PYTHONPATH"] = str(ROOT)
os.environ.setdefault("VSHM_LIBRARY", str(BUILD / "libvideo_shm.so"))


# A shell's background job ignores Ctrl-C, and so would every child that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# PyAV has no build for every processor; what needs it is left out there, and said.
NEEDS_PYAV = ["barcode", "bitstream", "camera_streamer", "cli_record", "healing", "sources"]
HAS_PYAV = importlib.util.find_spec("av") is not None
collect_ignore = [] if HAS_PYAV else [f"test_{name}.py" for name in NEEDS_PYAV]


def pytest_report_header() -> str:
    return "" if HAS_PYAV else f"no PyAV here: left out are {', '.join(collect_ignore)}"


@pytest.fixture
def channel() -> Iterator[Channel]:
    if not Writer.PROGRAM.exists():
        pytest.fail(f"{Writer.PROGRAM} is missing: ci/test build, or VIDEO_SHM_BUILD=FOLDER")
    fresh = Channel()
    yield fresh
    fresh.clean_up()


@pytest.fixture
def ring(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name that nobody else uses; what is there is removed at the end."""
    name = f"/vshm_pytest_{os.getpid()}_{abs(hash(request.node.name)) % 10**9}"
    yield name
    (SHARED_MEMORY / name[1:]).unlink(missing_ok=True)
    for path in SHARED_MEMORY.glob("vshm_consumer_*"):
        if name.encode() in path.read_bytes():
            path.unlink()
