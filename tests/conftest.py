# SPDX-License-Identifier: Apache-2.0
"""Fixtures that more than one file needs."""

import os
from collections.abc import Iterator

import pytest
from writers import BUILD, Channel, Writer

# Before anything imports the binding: the library of this tree, not one that happens to be installed.
os.environ.setdefault("VSHM_LIBRARY", str(BUILD / "libvideo_shm.so"))


@pytest.fixture
def channel() -> Iterator[Channel]:
    if not Writer.PROGRAM.exists():
        pytest.fail(f"{Writer.PROGRAM} is missing: ci/test build, or VIDEO_SHM_BUILD=FOLDER")
    fresh = Channel()
    yield fresh
    fresh.clean_up()
