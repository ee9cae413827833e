# SPDX-License-Identifier: Apache-2.0
"""Fixtures that more than one file needs."""

from collections.abc import Iterator

import pytest
from writers import Channel, Writer


@pytest.fixture
def channel() -> Iterator[Channel]:
    if not Writer.PROGRAM.exists():
        pytest.fail(f"{Writer.PROGRAM} is missing: ci/test build, or VIDEO_SHM_BUILD=FOLDER")
    fresh = Channel()
    yield fresh
    fresh.clean_up()
