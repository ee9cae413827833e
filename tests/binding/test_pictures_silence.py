# SPDX-License-Identifier: Apache-2.0
"""Where no picture comes although frames do, a warning says why: a program that waits in read() shows nothing else."""

import asyncio
import warnings
from collections.abc import Iterator

import pytest
from coded_streams import BEGIN_NS, KINDS, Unit, put, put_all, units
from encoded import GOP

from vshm_ctypes import Codec, Pictures, Producer
from vshm_ctypes.bitstream import nal_units
from vshm_ctypes.pictures import silence

SILENT = ["h264", "h265"]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "PATIENCE_S", 0.05)


@pytest.fixture
def producer(ring: str) -> Iterator[Producer]:
    with Producer(ring, slots=64) as producer:
        yield producer


def with_lengths(unit: Unit, codec: Codec) -> Unit:
    """Return the unit as it is in MP4, with lengths in place of start codes."""
    nals = [unit.data[nal.header : nal.end] for nal in nal_units(unit.data, codec)]
    return unit._replace(data=b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals))


@pytest.mark.parametrize("policy", ["newest", "every", "keyframes"])
@pytest.mark.parametrize("kind", SILENT)
def test_no_frame_that_is_flagged_as_a_keyframe(ring: str, producer: Producer, kind: str, policy: str) -> None:
    codec = KINDS[kind][0]
    with Pictures(ring, policy=policy) as pictures:  # type: ignore[arg-type]
        for unit in units(kind)[:GOP]:
            producer.write(unit.data, codec=codec)
        with pytest.warns(RuntimeWarning, match=f"{ring}: no keyframe came in 0.05 s, among {GOP} frames") as told:
            assert pictures.read(1) == (False, None)
            assert pictures.read(1) == (False, None)
        assert len(told) == 1
        put_all(producer, units(kind)[:GOP], codec, BEGIN_NS)
        assert pictures.receive(10) is not None


def test_asyncio_is_told_too(ring: str, producer: Producer) -> None:
    async def first() -> int:
        with Pictures(ring) as pictures:
            producer.write(units("h264")[1].data)
            asyncio.get_running_loop().call_later(0.5, put, producer, units("h264")[0], Codec.H264, BEGIN_NS)
            async for picture in pictures.aiter():
                return picture.number
        return -1

    with pytest.warns(RuntimeWarning, match="no keyframe came"):
        assert asyncio.run(first()) == 1


@pytest.mark.parametrize("kind", SILENT)
def test_lengths_in_place_of_start_codes(ring: str, producer: Producer, kind: str) -> None:
    codec = KINDS[kind][0]
    with Pictures(ring, policy="every") as pictures:
        put_all(producer, [with_lengths(unit, codec) for unit in units(kind)], codec, BEGIN_NS)
        with pytest.warns(RuntimeWarning) as told:
            assert pictures.read(0.5) == (False, None)
    assert len(told) == 1
    said = f"{ring}: no picture yet: 3 frames could not be decoded as {kind}: `vshm check {ring}` looks for the cause"
    assert str(told[0].message) == said


def test_pictures_of_another_codec(ring: str, producer: Producer) -> None:
    with Pictures(ring, policy="every") as pictures:
        put_all(producer, units("h264"), Codec.JPEG, BEGIN_NS)
        with pytest.warns(RuntimeWarning, match="3 frames could not be decoded as jpeg"):
            assert pictures.read(0.5) == (False, None)


def test_nothing_is_said_of_what_is_usual(ring: str, producer: Producer) -> None:
    """A camera that has not begun, one damaged frame at the start, and more of them later."""
    broken = units("jpeg")[0]._replace(data=units("jpeg")[0].data[:-20])
    with warnings.catch_warnings(), Pictures(ring, policy="every") as pictures:
        warnings.simplefilter("error")
        assert pictures.read(0.3) == (False, None)
        put_all(producer, [broken, *units("jpeg")[1:3], *[broken] * 5, units("jpeg")[8]], Codec.JPEG, BEGIN_NS)
        found = [pictures.read(10)[0] for _ in range(3)]
        assert pictures.read(0.3) == (False, None)
    assert (found, pictures.books.damaged) == ([True] * 3, 6)
