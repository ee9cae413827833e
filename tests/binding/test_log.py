# SPDX-License-Identifier: Apache-2.0
"""log_to: the library's messages in Python's logging."""

import logging
from collections.abc import Iterator

import pytest
from writers import SHARED_MEMORY, wait_until

from vshm_ctypes import Producer, log_to


@pytest.fixture(autouse=True)
def nobody_afterwards() -> Iterator[None]:
    yield
    log_to(None)


def lose_the_name(ring: str) -> None:
    """Do something that the library logs."""
    with Producer(ring) as producer:
        producer.write(b"x")
        (SHARED_MEMORY / ring[1:]).unlink()
        wait_until(lambda: producer.write(b"x") and producer.info().remade > 0, "the ring is made anew")


def test_messages_go_to_the_logger(ring: str, caplog: pytest.LogCaptureFixture) -> None:
    log_to(logging.getLogger("camera"))
    with caplog.at_level(logging.INFO, "camera"):
        lose_the_name(ring)
    records = [record for record in caplog.records if record.name == "camera"]
    assert any(ring[1:] in record.getMessage() for record in records)
    assert {record.levelno for record in records} <= {logging.INFO, logging.WARNING}


def test_without_a_logger_nothing_is_said(
    ring: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    log_to(logging.getLogger("camera"))
    log_to(None)
    lose_the_name(ring)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
