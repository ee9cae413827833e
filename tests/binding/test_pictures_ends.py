# SPDX-License-Identifier: Apache-2.0
"""How reading pictures waits and ends: timeouts, the ring's end, other threads, asyncio, other streams in one ring."""

import asyncio
import copy
import pickle
import signal
import subprocess
import sys
import threading

import numpy
import pytest
from coded_streams import BEGIN_NS, KINDS, PERIOD, put_all, units
from played import number_of
from writers import wait_until

from vshm_ctypes import (
    Codec,
    HandleClosed,
    IncompatibleRing,
    Interrupted,
    Media,
    Picture,
    Pictures,
    Producer,
    ProducerClosed,
    ProducerDied,
    ProducerNotRunning,
    inspect,
)

B_PICTURES = "h264 b"


def test_read_is_that_of_opencv(ring: str) -> None:
    with Producer(ring) as producer, Pictures(ring, policy="every") as pictures:
        put_all(producer, units("h264", 3), Codec.H264, BEGIN_NS)
        for number in range(3):
            ok, array = pictures.read(timeout=10)
            assert ok
            assert array is not None
            assert array.shape == (48, 64, 3)
            assert array.dtype == numpy.uint8
            assert array.flags.c_contiguous
            assert array.flags.writeable
            assert pictures.picture is not None
            assert pictures.picture.number == number
            assert pictures.picture.array() is array
        assert pictures.read(timeout=0.01) == (False, None)
        assert not pictures.ended
        producer.close()
        assert pictures.read() == (False, None)
        ended: object = pictures.ended
        assert isinstance(ended, ProducerClosed)
        with pytest.raises(ProducerClosed):
            pictures.receive()


def test_a_picture_goes_to_another_process_with_its_array(ring: str) -> None:
    with Producer(ring) as producer, Pictures(ring, policy="every") as pictures:
        put_all(producer, units("h264", 3), Codec.H264, BEGIN_NS)
        picture = pictures.receive(timeout=10)
        assert picture is not None
        again = pickle.loads(pickle.dumps(picture))
        assert numpy.array_equal(again.array(), picture.array())
        assert (again.meta, again.number, again.capture_ns) == (picture.meta, picture.number, picture.capture_ns)
        assert (again.missed_before, again.skipped_before, again.damaged_before, again.decoded) == (0, 0, 0, None)
        assert repr(copy.deepcopy(again)) == repr(picture)
        with pytest.raises(TypeError, match=f"pass '{ring}', and open Pictures in the other process"):
            pickle.dumps(pictures)


def test_numpy_takes_a_picture_as_its_array(ring: str) -> None:
    with Producer(ring) as producer, Pictures(ring, policy="every") as pictures:
        put_all(producer, units("h264", 3), Codec.H264, BEGIN_NS)
        picture = pictures.receive(timeout=10)
        assert picture is not None
        assert numpy.asarray(picture) is picture.array()
        assert numpy.array(picture) is not picture.array()
        assert numpy.array_equal(numpy.array(picture), picture.array())
        assert numpy.asarray(picture, dtype=numpy.float32).dtype == numpy.float32
        assert numpy.stack([picture, picture]).shape == (2, 48, 64, 3)


@pytest.mark.parametrize("policy", ["every", "newest"])
def test_pictures_that_were_held_back_come_before_the_end(ring: str, policy: str) -> None:
    stream = units(B_PICTURES)
    last = max(range(8), key=lambda at: stream[at].number)
    with Producer(ring, slots=64) as producer, Pictures(ring, policy=policy) as pictures:  # type: ignore[arg-type]
        put_all(producer, stream[:8], Codec.H264, BEGIN_NS)
        producer.close()
        found = [*pictures]
    assert found[-1].number == last
    assert len(found) == (8 if policy == "every" else len(found))


DIES = """
import os, signal, sys
from pathlib import Path
from vshm_ctypes import Producer
producer = Producer(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
producer.write(bytes.fromhex(sys.argv[2]), keyframe=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_producer_that_dies_ends_read_and_is_told(ring: str) -> None:
    command = [sys.executable, "-c", DIES, ring, units("h264")[0].data.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        with Pictures(ring, policy="every") as pictures:
            process.stdin.write(b"go\n")
            process.stdin.flush()
            assert process.wait(60) == -signal.SIGKILL
            assert pictures.read()[0]
            assert pictures.read() == (False, None)
            assert isinstance(pictures.ended, ProducerDied)
            with pytest.raises(ProducerDied):
                next(iter(pictures))


def test_the_next_ring_of_its_name_is_read_on_request(ring: str) -> None:
    stream = units(B_PICTURES)
    with Producer(ring, slots=64) as producer:
        pictures = Pictures(ring, policy="every", reconnect=True)
        put_all(producer, stream[:14], Codec.H264, BEGIN_NS)
    with pictures, Producer(ring, slots=80) as producer:
        put_all(producer, stream, Codec.H264, BEGIN_NS)
        found = [pictures.receive(10) for _ in range(14 + 40)]
    shown = [number_of(picture) for picture in found if picture is not None]
    assert shown[:14] == sorted(unit.number for unit in stream[:14])  # whole to its end
    assert shown[14:] == [number % 20 for number in range(40)]


def test_close_and_interrupt_end_a_wait_in_another_thread(ring: str) -> None:
    told: list[BaseException] = []

    def wait() -> None:
        try:
            pictures.receive()
        except (Interrupted, HandleClosed) as error:
            told.append(error)

    with Producer(ring), Pictures(ring) as pictures:
        for end in (pictures.interrupt, pictures.close):
            thread = threading.Thread(target=wait)
            thread.start()
            end()
            thread.join()
        assert pictures.closed
        pictures.close()
    assert [type(error) for error in told] == [Interrupted, HandleClosed]


def test_asyncio(ring: str) -> None:
    async def read() -> list[int]:
        with Pictures(ring, policy="every") as pictures:
            threading.Thread(target=play).start()
            return [number_of(picture) async for picture in pictures.aiter()]

    def play() -> None:
        put_all(producer, units(B_PICTURES, 20), Codec.H264, BEGIN_NS)
        producer.close()

    with Producer(ring) as producer:
        assert asyncio.run(read()) == [*range(20)]


def test_sound_is_refused_with_its_name(ring: str) -> None:
    with Producer(ring, media=Media.AUDIO) as producer, Pictures(ring) as pictures:
        producer.write(b"sound", codec=Codec.OPUS)
        with pytest.raises(IncompatibleRing, match="it carries opus"):
            pictures.receive(10)


def test_a_ring_that_is_not_there() -> None:
    with pytest.raises(ProducerNotRunning):
        Pictures("vshm_pytest_of_nobody")


@pytest.mark.parametrize("options", [{"format": "yuv"}, {"policy": "fastest"}])
def test_arguments_out_of_range(ring: str, options: dict[str, object]) -> None:
    with Producer(ring), pytest.raises(ValueError, match="must be"):
        Pictures(ring, **options)  # type: ignore[arg-type]


def test_codec_and_size_may_change_at_any_keyframe(ring: str) -> None:
    kinds = ["h264 b", "jpeg", "h265 b", "h264"]
    with Producer(ring, slots=256) as producer, Pictures(ring, policy="every") as pictures:
        for at, kind in enumerate(kinds):
            put_all(producer, units(kind, 12, 64 + 32 * at, 48), KINDS[kind][0], BEGIN_NS, width=64 + 32 * at)
        producer.close()
        found = [*pictures]
        books = pictures.books
    assert [picture.array().shape for picture in found] == [
        (48, 64 + 32 * at, 3) for at in range(len(kinds)) for _ in range(12)
    ]
    assert [number_of(picture) for picture in found] == [*range(12)] * len(kinds)
    assert (books.skipped, books.damaged) == (0, 0)


def test_a_reader_is_seen_with_what_it_reads(ring: str) -> None:
    from vshm_ctypes.published import list_published

    with Producer(ring) as producer, Pictures(ring, publish=True) as pictures:
        put_all(producer, units("h264", 5), Codec.H264, BEGIN_NS)
        picture: Picture | None = pictures.receive(10)
        assert picture is not None
        assert pictures.info().received == 5
        wait_until(lambda: any(one.ring == ring for one in list_published()), "the reader is published")
        assert inspect(ring).frames == 5 <= PERIOD
