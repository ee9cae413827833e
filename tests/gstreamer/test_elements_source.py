# SPDX-License-Identifier: Apache-2.0
"""vshmsrc in pipelines with GStreamer's own elements, judged by FFmpeg."""

import base64
import hashlib
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import judges
import pytest
from coded_streams import FRAME_NS, KINDS, put, units
from pipelines import Pipeline, environment, played, webrtc
from sets_once import without_sets
from writers import Channel, meanwhile

from vshm_ctypes import Codec, Producer

COUNT = 25
DECODERS = {
    "h264": "h264parse ! avdec_h264",
    "h264 b": "h264parse ! avdec_h264",
    "h265": "h265parse ! avdec_h265",
    "jpeg": "jpegparse ! avdec_mjpeg",
}
NAMES = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}


def fill(producer: Producer, kind: str) -> None:
    """Write the first units of a stream, as captured in the last seconds."""
    begin_ns = time.monotonic_ns() - 2_000_000_000
    for unit in units(kind)[:COUNT]:
        put(producer, unit, KINDS[kind][0], begin_ns + unit.number * FRAME_NS)


@contextmanager
def camera(producer: Producer, kind: str = "h264", interval_s: float = 0.01) -> Iterator[dict[int, int]]:
    """Write units over and over, and yield the time of capture of each frame number."""
    captured: dict[int, int] = {}
    number = producer.info().frames

    def write() -> None:
        nonlocal number
        captured[number] = time.monotonic_ns()
        put(producer, units(kind)[number % len(units(kind))], KINDS[kind][0], captured[number])
        number += 1

    with meanwhile(write, interval_s):
        yield captured


def nal_units(data: bytes) -> list[bytes]:
    return [unit for unit in re.split(b"\0\0\0?\1", data) if unit]


def pictures(kind: str, count: int = COUNT) -> list[str]:
    """Return the digests of the pictures, as FFmpeg decodes them."""
    decoder: Any = av.CodecContext.create(NAMES[KINDS[kind][0]], "r")
    packets = [av.Packet(unit.data) for unit in units(kind)[:count]]
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return [hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest() for frame in frames]


@pytest.mark.parametrize("kind", DECODERS)
def test_pictures_are_those_that_ffmpeg_decodes(channel: Channel, kind: str) -> None:
    with Producer(channel=channel.number) as producer:
        fill(producer, kind)
        source = f"vshmsrc channel={channel.number} start=oldest num-buffers={COUNT}"
        samples = played(f"{source} ! {DECODERS[kind]} ! appsink name=out sync=false")
    assert [sample["sha"] for sample in samples] == pictures(kind)


def test_an_address_is_enough_for_what_decodes_addresses(channel: Channel) -> None:
    with Producer(channel=channel.number) as producer:
        fill(producer, "h264")
        line = f"uridecodebin uri=vshm://{channel.number}?start=oldest ! appsink name=out sync=false"
        with Pipeline(line) as pipeline:
            samples = [sample for sample, _ in zip(pipeline, range(COUNT - 5), strict=False)]
    assert [sample["sha"] for sample in samples] == pictures("h264")[: COUNT - 5]


def test_units_come_back_from_rtp_as_they_were(channel: Channel) -> None:
    with Producer(channel=channel.number) as producer:
        fill(producer, "h264")
        samples = played(
            f"vshmsrc channel={channel.number} start=oldest num-buffers={COUNT} ! h264parse ! rtph264pay ! "
            "rtph264depay ! video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=out sync=false"
        )
    sent = [nal_units(unit.data) for unit in units("h264")[:COUNT]]
    came = [nal_units(base64.b64decode(sample["data"])) for sample in samples]
    assert came[0][-len(sent[0]) :] == sent[0]  # behind the parameter sets that the caps had, too
    assert came[1:] == sent[1:]


@pytest.mark.parametrize(("clock", "tolerance_ns"), [("", 0), ("realtime", 5_000_000)])
def test_times_are_those_of_capture_on_any_clock(channel: Channel, clock: str, tolerance_ns: int) -> None:
    line = f"vshmsrc channel={channel.number} start=next num-buffers=8 ! appsink name=out sync=false"
    with Producer(channel=channel.number) as producer, camera(producer) as captured:
        samples = played(line, clock)
    wall_ns = time.time_ns() - time.monotonic_ns()
    assert len(samples) == 8
    for sample in samples:
        told_ns = sample["running"] + sample["base"] - (wall_ns if clock else 0)
        assert abs(told_ns - captured[sample["offset"]]) <= tolerance_ns
        assert abs(sample["unix_ns"] - wall_ns - captured[sample["offset"]]) <= 5_000_000


def test_files_of_splitmuxsink_hold_each_picture_once(channel: Channel, tmp_path: Path) -> None:
    with Producer(channel=channel.number) as producer:
        fill(producer, "h264")
        played(
            f"vshmsrc channel={channel.number} start=oldest num-buffers={COUNT} ! h264parse ! "
            f"splitmuxsink location={tmp_path}/%02d.mp4 max-size-bytes=1"
        )
    count = [
        judges.ffprobe(),
        "-v",
        "error",
        "-count_frames",
        "-show_entries",
        "stream=nb_read_frames",
        "-of",
        "csv=p=0",
    ]
    counts = [int(subprocess.check_output([*count, file], text=True)) for file in sorted(tmp_path.glob("*.mp4"))]
    assert len(counts) > 1
    assert sum(counts) == COUNT


def test_the_books_of_a_slow_pipeline_balance(channel: Channel) -> None:
    # identity sleeps 50 ms for each buffer, of which 25 come meanwhile: eight of nine frames are lost.
    line = f"vshmsrc name=ring channel={channel.number} start=next resync=false ! identity sleep-time=50000 ! "
    with (
        Producer(channel=channel.number, slots=4, slot_size=65536) as producer,
        camera(producer, interval_s=0.002) as captured,
        Pipeline(f"{line} appsink name=out sync=false") as pipeline,
    ):
        samples = [sample for sample, _ in zip(pipeline, range(10), strict=False)]
        samples += pipeline.stop()
    offsets = [sample["offset"] for sample in samples]
    assert pipeline.stats["skipped"] == 0
    assert pipeline.stats["missed"] > 10
    assert pipeline.stats["received"] >= len(samples)
    for before, sample in pairwise(samples):
        assert sample["discont"] == (sample["offset"] != before["offset"] + 1)
    assert offsets == sorted(set(offsets)) and set(offsets) <= set(captured)


def test_a_pipeline_goes_on_with_the_next_writer_and_its_new_size(channel: Channel) -> None:
    line = f"vshmsrc channel={channel.number} start=keyframe ! appsink name=out sync=false"
    with Pipeline(line) as pipeline:
        told = iter(pipeline)
        for size in (64, 128):
            with Producer(channel=channel.number) as producer:
                put(producer, units("h264", 1, width=size)[0], Codec.H264, time.monotonic_ns(), width=size)
                sample = next(told)
                assert f"width=(int){size}" in sample["caps"]
                assert sample["discont"]


def test_webrtc_brings_the_pictures_to_the_other_side(channel: Channel) -> None:
    line = (
        f"vshmsrc channel={channel.number} ! h264parse ! rtph264pay config-interval=-1 aggregate-mode=zero-latency ! "
    )
    line += "application/x-rtp,media=video,encoding-name=H264,payload=96 ! webrtcbin name=sender"
    with Producer(channel=channel.number) as producer, camera(producer, interval_s=0.02), webrtc(line) as told:
        # A busy machine loses packets, and what refers to a lost picture is a wrong one, until the next keyframe.
        sent = set(pictures("h264", len(units("h264"))))
        came = list(islice((picture for picture in told if picture in sent), 10))
    assert len(came) == 10


@pytest.mark.parametrize("kind", ["h264", "h265"])
@pytest.mark.parametrize("lacking", [False, True])
def test_a_keyframe_without_parameter_sets_is_told_once(channel: Channel, kind: str, lacking: bool) -> None:
    codec = KINDS[kind][0]
    with Producer(channel=channel.number) as producer:
        for unit in units(kind)[:COUNT]:
            data = without_sets(unit.data, codec) if lacking else unit.data
            put(producer, unit._replace(data=data), codec, time.monotonic_ns())
        line = f"gst-launch-1.0 vshmsrc channel={channel.number} start=oldest num-buffers={COUNT} ! fakesink"
        result = subprocess.run(line.split(), env=environment(), capture_output=True, text=True, check=True)
    told = f"A keyframe in ring /video_stream_ch{channel.number} has no parameter sets"
    assert (result.stdout + result.stderr).count(told) == lacking
