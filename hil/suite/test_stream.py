# SPDX-License-Identifier: Apache-2.0
"""The claims about a camera's stream, all from one run with consumers of every kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy
import pytest

from hil.figures.measurement import Measurement
from hil.fleet import Consumer, ConsumerResult, FleetResult
from hil.report.recorder import RecordedTest
from hil.streamer.clock import realtime_offset_ns
from hil.suite.cameras import RING
from hil.suite.rig import Rig, put_on_record
from hil.workers.consumers import KINDS
from hil.workers.records import accepted
from vshm_ctypes import Codec

GOP = 10
SPS, PPS = 7, 8  # ITU-T H.264 table 7-1
_LINE = re.compile(r"Frame seq=(\d+) size=\d+ codec=(\S+) type=[IP]-frame (\d+)x(\d+) fps=(\d+) timestamp=(\d+)")


@pytest.fixture(scope="module")
def result(rig: Rig) -> FleetResult:
    """A run with every kind of consumer, one of which joins late at a keyframe.

    Recorder and example keep their frames.
    """
    late = Consumer.parse("c@late")
    consumers = [*(Consumer(kind) for kind in KINDS), Consumer("c", late.behaviour, start="keyframe")]
    return rig.run(consumers, writer=rig.camera.writer(rig.board, f"gop={GOP}"))


def consumer(result: FleetResult, name: str) -> ConsumerResult:
    """Return the consumer of that name; it is missing if fewer consumers were asked for than the test has."""
    found = next((one for one in result.consumers if one.name.endswith(f"-{name}")), None)
    if found is None:
        pytest.skip(f"--consumers left no room for {name}")
    return found


def recorded(result: FleetResult) -> Iterator[tuple[int, bytes]]:
    """Yield (frame number, access unit) of all that the recorder saved."""
    [life] = consumer(result, "recorder").lives
    assert life.saved is not None
    at = 0
    for frame in life.received:
        yield int(frame["number"]), life.saved[at : at + int(frame["size"])]
        at += int(frame["size"])


def decoded(units: list[bytes], codec: Codec) -> list[Any]:
    """Return the pictures.

    Raises av.FFmpegError at the first access unit that is damaged or refers to a missing one.
    """
    import av

    decoder: Any = av.CodecContext.create({Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}[codec], "r")
    decoder.options = {"err_detect": "explode"}
    return [picture for unit in units for picture in decoder.decode(av.Packet(unit))] + list(decoder.decode(None))


def test_every_frame_arrives_at_every_consumer_in_order_and_intact(result: FleetResult, record: RecordedTest) -> None:
    """Every frame arrives at every consumer once, in order and intact, and the books balance from camera to reader.

    Would catch: torn, stale, repeated, swapped and lost frames, lost wake-ups, wrong counts, hangs at the end.
    """
    wrong = put_on_record(record, result)
    for one in result.consumers:
        record.measure(Measurement(f"frames that {one.name} got", "frames", len(one.received), at_least=1))
    assert wrong == []


def test_the_driver_left_no_picture_out(result: FleetResult, record: RecordedTest, rig: Rig) -> None:
    """The camera's sequence numbers have no gap. (With vivid, gaps are recorded, but are no failure.)

    Would catch: buffers that are given back to the driver too late.
    """
    gaps = result.frame_book().camera_gaps
    [life] = result.writer.lives
    assert life.summary is not None
    counted = int(life.summary["camera"].get("lost", 0))
    quirk = rig.board.quirks.sequence_jumps or rig.camera.driver == "vivid"
    limit = None if quirk else 0
    told = limit is None  # a busy machine's, and not judged
    record.measure(
        Measurement("pictures that the driver left out", "pictures", gaps or 0, at_most=limit, timed=told),
        Measurement("pictures that camera-streamer found missing", "pictures", counted, at_most=limit, timed=told),
    )


def test_two_consumers_have_equal_sequence_numbers(result: FleetResult, record: RecordedTest) -> None:
    """Two consumers, one in C and one in Python, see each frame under the same number.

    Would catch: numbers that are counted by the reader instead of carried by the frame.
    """
    ours, theirs = (consumer(result, name).received for name in ("c", "for"))
    common, at_ours, at_theirs = numpy.intersect1d(ours["number"], theirs["number"], return_indices=True)
    differing = (ours["crc32"][at_ours] != theirs["crc32"][at_theirs]).sum()
    record.measure(
        Measurement("frames that both got", "frames", len(common), at_least=1),
        Measurement("frames whose bytes differ", "frames", int(differing), exactly=0),
    )


def test_metadata_is_the_cameras(result: FleetResult, record: RecordedTest, rig: Rig) -> None:
    """The size, rate and codec that a reader sees are the stream's, and the times are those of the capture.

    Would catch: fields in the wrong place, a wall clock that is off, a time of writing instead of one of capture.
    """
    [life] = consumer(result, "example").lives
    lines = _LINE.findall(life.printed)
    stream = rig.board.stream
    kinds = {(codec, int(width), int(height)) for _, codec, width, height, _, _ in lines}
    assert kinds == {("H.264", stream.width, stream.height)}
    rates = {int(fps) for *_, fps, _ in lines}
    assert len(rates) == 1
    captured = {int(row["number"]): int(row["capture_ns"]) for row in accepted(result.writer.written)}
    offset_ns = realtime_offset_ns()
    off_ms = max(abs(int(ms) - (captured[int(number)] + offset_ns) / 1e6) for number, *_, ms in lines)
    record.measure(
        Measurement("frames with a time of capture", "frames", len(lines), at_least=1),
        Measurement("rate in the metadata", "1/s", rates.pop(), at_least=1),
        Measurement("error of the wall clock of capture", "ms", off_ms, at_most=20),
    )


def test_every_keyframe_carries_its_parameter_sets(result: FleetResult, record: RecordedTest) -> None:
    """Every keyframe carries its parameter sets, so that decoding can start at any of them.

    Would catch: an encoder, or a camera, that sends them only once at the start.
    """
    keys = {int(row["number"]) for row in consumer(result, "example").received if row["keyframe"]}
    units = [unit for number, unit in recorded(result) if number in keys]
    kinds = [{first[0] & 0x1F for first in re.findall(rb"\x00\x00\x01(.)", unit, re.DOTALL)} for unit in units]
    bare = [there for there in kinds if not {SPS, PPS} <= there]
    record.measure(
        Measurement("keyframes", "frames", len(units), at_least=2),
        Measurement("keyframes without parameter sets", "frames", len(bare), exactly=0),
    )


def test_a_recording_decodes_from_its_begin_to_its_end(result: FleetResult, record: RecordedTest, rig: Rig) -> None:
    """A recording decodes to its end, picture by picture; from the test pattern, it shows the pictures captured.

    Would catch: access units that are cut, joined or out of order, and pictures that are not what was captured.
    """
    units = list(recorded(result))
    pictures = decoded([unit for _, unit in units], Codec.H264)
    record.measure(
        Measurement("access units recorded", "frames", len(units), at_least=1),
        Measurement("pictures decoded", "pictures", len(pictures), exactly=len(units)),
    )
    sequences: dict[int, int | None] = {
        int(row["number"]): int(row["v4l2_sequence"]) for row in accepted(result.writer.written)
    }
    sequences |= result.shown()  # a USB camera of ours begins anew with its clip
    from hil.streamer.sources import barcode

    def number_in(picture: Any) -> int | None:
        return barcode.read(picture.reformat(format="yuv420p").to_ndarray()[: picture.height])

    # Only the test pattern and our own USB camera show numbers; in a ring that is passed through, these are another's.
    if rig.camera.driver != RING and number_in(pictures[0]) is not None:
        shown = [number_in(picture) for picture in pictures]
        wrong = [number for (number, _), seen in zip(units, shown, strict=True) if seen != sequences[number]]
        record.measure(Measurement("pictures that are not the ones captured", "pictures", len(wrong), exactly=0))


def test_a_late_joiner_decodes_from_its_first_frame(result: FleetResult, record: RecordedTest) -> None:
    """A reader that joins late, at a keyframe, decodes its first frame and every one after it.

    Would catch: a start in the middle of a group of pictures, which shows grey until the next keyframe.
    """
    received = consumer(result, "c-late").received
    assert received["keyframe"][0]
    units = dict(recorded(result))
    own = [units[number] for number in received["number"].tolist() if number in units]
    record.measure(
        Measurement("frames that the late joiner got", "frames", len(received), at_least=1),
        Measurement("pictures decoded", "pictures", len(decoded(own, Codec.H264)), exactly=len(received)),
    )
