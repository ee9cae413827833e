# SPDX-License-Identifier: Apache-2.0
"""Fixtures that more than one file needs."""

import os
from collections.abc import Iterator

import pytest
from writers import BUILD, ROOT, SHARED_MEMORY, Channel, Writer

# Before anything imports the binding, here or in a child: this tree's, not one that happens to be installed.
os.environ["PYTHONPATH"] = str(ROOT)
os.environ.setdefault("VSHM_LIBRARY", str(BUILD / "libvideo_shm.so"))


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
