# SPDX-License-Identifier: Apache-2.0
"""Signal handlers that raise, as a timeout's or Ctrl-C's do, or that close, within a call: nothing is lost."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from vshm_ctypes import Consumer, Consumers, HandleClosed, Producer, VideoShmError, _waiting
from vshm_ctypes._library import library


class Late(Exception):
    """What the handler raises."""


def borrowed(stream: Consumer) -> bytes:
    with stream.borrow(10) as frame:
        return bytes(frame.data)


def received(stream: Consumer) -> bytes:
    frame = stream.receive(10)
    assert frame is not None
    return frame.data


def received_into(stream: Consumer) -> bytes:
    frame = stream.receive_into(bytearray(100), 10)
    assert frame is not None
    return bytes(frame.data)


def received_of_several(stream: Consumer) -> bytes:
    found = Consumers([stream]).receive(10)
    assert found is not None
    return found[1].data


READS: list[Callable[[Consumer], bytes]] = [received, received_into, borrowed, received_of_several]


@contextmanager
def a_signal_after(
    patched: pytest.MonkeyPatch, module: Any, name: str, handler: Callable[[], object]
) -> Iterator[None]:
    """Call handler in a signal that comes while that call of the library is made, once."""
    call = getattr(module, name)

    def interrupted(*arguments: Any) -> Any:
        result = call(*arguments)
        patched.setattr(module, name, call)
        signal.raise_signal(signal.SIGUSR1)
        return result

    def handle(_number: int, _frame: object) -> None:
        handler()

    before = signal.signal(signal.SIGUSR1, handle)
    patched.setattr(module, name, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def late() -> None:
    raise Late


def mappings(ring: str) -> int:
    gc.collect()
    return Path(f"/proc/{os.getpid()}/maps").read_text().count(ring)


@pytest.mark.parametrize("read", READS)
def test_a_frame_that_was_found_comes_with_the_next_call(
    ring: str, read: Callable[[Consumer], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Producer(ring) as camera, Consumer(ring) as stream:
        for payload in (b"first", b"second"):
            camera.write(payload)
        with a_signal_after(monkeypatch, _waiting, "_acquire", late), pytest.raises(Late):
            read(stream)
        assert [read(stream), read(stream)] == [b"first", b"second"]


@pytest.mark.parametrize("read", READS)
def test_nothing_stays_mapped_of_a_reader_that_is_closed_then(
    ring: str, read: Callable[[Consumer], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Producer(ring) as camera:
        before = mappings(ring)
        with Consumer(ring) as stream:
            camera.write(b"first")
            with a_signal_after(monkeypatch, _waiting, "_acquire", late), pytest.raises(Late):
                read(stream)
        assert mappings(ring) == before


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("read", READS)
def test_a_handler_may_close_the_reader(
    ring: str, read: Callable[[Consumer], bytes], raises: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call ends with its frame, or says that the reader is closed."""
    with Producer(ring) as camera:
        before = mappings(ring)
        streams, payloads = [Consumer(ring)], [b"first"]

        def handle() -> None:
            streams[0].close()
            if raises:
                raise Late

        camera.write(b"first")
        with a_signal_after(monkeypatch, _waiting, "_acquire", handle), suppress(HandleClosed, Late):
            payloads.append(read(streams[0]))
        streams.clear()
        assert set(payloads) == {b"first"}
        assert mappings(ring) == before


def test_a_frame_that_nobody_has_any_more_is_given_back(ring: str) -> None:
    """As a handler may raise between borrow() and its block, or at the block's end."""
    with Producer(ring) as camera, Consumer(ring) as stream:
        for payload in (b"first", b"second", b"third"):
            camera.write(payload)
        frame = stream.borrow(10)
        with pytest.raises(VideoShmError, match="borrowed already"):
            stream.receive(0)
        del frame
        assert received(stream) == b"second"
        stream.borrow(10)
        assert Consumers([stream]).receive(0) is None


def test_what_a_signal_ends_while_it_is_opened_is_not_left_open(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_signal_after(monkeypatch, library, "video_shm_producer_open", late), pytest.raises(Late):
        Producer(ring)
    with Producer(ring):
        before = mappings(ring)
        with a_signal_after(monkeypatch, library, "video_shm_consumer_open", late), pytest.raises(Late):
            Consumer(ring)
        assert mappings(ring) == before


def test_a_slot_is_free_although_a_signal_came_before_it_was_given_back(
    ring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_back = Producer._abort

    def interrupted(_producer: Producer) -> None:
        monkeypatch.setattr(Producer, "_abort", give_back)
        late()

    with Producer(ring) as camera:
        monkeypatch.setattr(Producer, "_abort", interrupted)
        with pytest.raises(Late), camera.reserve():
            pass
        gc.collect()
        assert camera.write(b"frame")


@pytest.mark.parametrize("call", ["video_shm_producer_reserve", "video_shm_producer_descriptor"])
def test_a_slot_that_nobody_has_can_be_reserved_anew(ring: str, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Producer(ring) as camera:
        with a_signal_after(monkeypatch, library, call, late), pytest.raises(Late):
            camera.reserve()
        camera.reserve()  # dropped without its block
        with camera.reserve() as slot:
            slot.commit(1)
