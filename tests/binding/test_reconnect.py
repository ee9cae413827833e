# SPDX-License-Identifier: Apache-2.0
"""Consumer(reconnect=True): over a restart, another geometry, and a ring that somebody replaced."""

from typing import Any

import pytest
from writers import Channel, wait_until

from vshm_ctypes import (
    Consumer,
    Frame,
    IncompatibleRing,
    Producer,
    ProducerClosed,
    ProducerDied,
    State,
    inspect,
)


def next_frame(stream: Consumer) -> Frame:
    frame = stream.receive(timeout=30)
    assert frame is not None
    return frame


@pytest.mark.parametrize("options", [{}, {"slots": 8}, {"slot_size": 2**20}], ids=["same", "slots", "slot size"])
def test_a_restarted_producer_is_followed(ring: str, options: dict[str, Any]) -> None:
    first = Producer(ring)
    with Consumer(ring, reconnect=True) as stream:
        first.write(b"first")
        assert not next_frame(stream).discontinuity
        first.close()
        assert stream.receive(timeout=0.05) is None
        with Producer(ring, **options) as second:
            second.write(b"second")
            second.write(b"third")
            frame = next_frame(stream)
            assert (frame.data, frame.discontinuity) == (b"second", True)
            assert not next_frame(stream).discontinuity
        assert stream.info().reattached == 1


def test_a_killed_producer_is_followed(channel: Channel) -> None:
    writer = channel.start_writer()
    wait_until(channel.ring_path.exists, "the ring is there")
    with Consumer(channel=channel.number, reconnect=True) as stream:
        number = next_frame(stream).number
        writer.kill()
        channel.start_writer()
        while not (frame := next_frame(stream)).discontinuity:
            assert frame.number == number + 1
            number = frame.number
        assert frame.number > number


def test_without_reconnect_the_end_is_told(ring: str, channel: Channel) -> None:
    producer = Producer(ring)
    with Consumer(ring) as stream:
        producer.write(b"x")
        producer.close()
        next_frame(stream)
        with pytest.raises(ProducerClosed, match="reconnect=True"):
            stream.receive()
    writer = channel.start_writer()
    wait_until(channel.ring_path.exists, "the ring is there")
    with Consumer(channel=channel.number) as stream:
        next_frame(stream)
        writer.kill()
        with pytest.raises(ProducerDied):
            for _ in stream:
                pass


@pytest.mark.parametrize("timeout", [0, 0.2])
def test_a_reader_that_only_looks_now_and_then_is_told_of_a_death_too(channel: Channel, timeout: float) -> None:
    """The library tells it once, and not only to those that are asleep when it happens."""
    writer = channel.start_writer()
    wait_until(channel.ring_path.exists, "the ring is there")
    with Consumer(channel=channel.number) as stream:
        next_frame(stream)
        writer.kill()

        def is_told() -> bool:
            try:
                stream.receive(timeout)
            except ProducerDied:
                return True
            return False

        wait_until(lambda: inspect(channel.number).state == State.DEAD, "the death shows")
        wait_until(is_told, "the reader is told")
        assert stream.receive(timeout=0) is None  # once


def test_larger_slots_than_allowed_are_refused_also_after_a_restart(ring: str) -> None:
    with Producer(ring), pytest.raises(IncompatibleRing, match="allow larger ones by max_slot_size"):
        Consumer(ring, max_slot_size=1000)
    first = Producer(ring, slot_size=1000)
    with Consumer(ring, max_slot_size=1000, reconnect=True) as stream:
        first.close()
        with Producer(ring) as second:
            second.write(b"x")
            with pytest.raises(IncompatibleRing):
                stream.receive(timeout=30)
        with Producer(ring, slot_size=1000) as third:
            third.write(b"y")
            assert next_frame(stream).data == b"y"
