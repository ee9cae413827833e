# SPDX-License-Identifier: Apache-2.0
"""vshmsink behind GStreamer's own elements, judged by our reader."""

import hashlib
import os
import subprocess
import time
from itertools import islice
from typing import Any

import pytest
from coded_streams import put, units
from pipelines import Pipeline, environment
from writers import WATCHDOG_S, Channel, wait_until

from vshm_ctypes import Codec, Consumer, Frame, Producer, inspect
from vshm_ctypes.bitstream import EntryPoint

COUNT = 20
PICTURES = "videotestsrc is-live=true ! video/x-raw,width=64,height=64,framerate=100/1"
SOUND = "audiotestsrc is-live=true ! audio/x-raw,format=S16LE,rate=48000,channels=2"
STREAMS = {
    Codec.H264: f"{PICTURES} ! x264enc tune=zerolatency key-int-max=10 ! h264parse config-interval=-1",
    Codec.H265: f"{PICTURES} ! x265enc tune=zerolatency key-int-max=10 ! h265parse config-interval=-1",
    Codec.JPEG: f"{PICTURES} ! jpegenc",
    Codec.NV12: f"{PICTURES},format=NV12",
    Codec.PCM_S16LE: SOUND,
    Codec.OPUS: f"{SOUND} ! opusenc",
    Codec.AAC: f"{SOUND} ! audioconvert ! avenc_aac ! aacparse ! audio/mpeg,stream-format=adts",
}


def frames_of(channel: Channel, count: int) -> list[Frame]:
    """Return the first frames that the ring of a running pipeline has still."""
    wait_until(channel.ring_path.exists, "the pipeline makes its ring")
    with Consumer(channel=channel.number, start="oldest") as reader:
        return list(islice(reader, count))


@pytest.mark.parametrize("codec", STREAMS, ids=lambda codec: codec.name)
def test_a_reader_gets_each_buffer_with_its_time(channel: Channel, codec: Codec) -> None:
    line = f"{STREAMS[codec]} ! tee name=both both. ! queue ! vshmsink name=ring channel={channel.number}"
    with Pipeline(f"{line} both. ! queue ! appsink name=out sync=false") as pipeline:
        frames = frames_of(channel, COUNT)
        digests = [hashlib.sha256(frame.data).hexdigest() for frame in frames]
        told: dict[str, dict[str, Any]] = {}
        while not told.keys() >= set(digests):
            sample = next(iter(pipeline))
            told.setdefault(sample["sha"], sample)
        pipeline.stop()
    assert {frame.codec for frame in frames} == {codec}
    assert pipeline.stats["dropped"] == 0
    for frame, digest in zip(frames, digests, strict=True):
        sample = told[digest]
        assert sample["delta"] != frame.is_keyframe
        if digests.count(digest) == 1:
            assert frame.capture_ns == sample["running"] + sample["base"]
        if frame.audio and sample["duration"] and frame.number:  # of the first one a decoder leaves some out
            assert abs(frame.audio.samples * 1_000_000_000 // 48000 - sample["duration"]) <= 1_000_000


def test_a_ring_through_a_pipeline_has_the_same_frames_times_and_flags(channel: Channel) -> None:
    stream = units("h264")[:COUNT]
    target = f"/vshm_pytest_{os.getpid()}_{channel.number}"
    line = f"vshmsrc channel={channel.number} start=next ! vshmsink name=ring ring={target}"
    with Pipeline(line) as pipeline, Producer(channel=channel.number) as producer:
        captured = []
        while not ring_has(target, COUNT):
            captured.append(time.monotonic_ns())
            put(producer, stream[producer.info().frames % COUNT], Codec.H264, captured[-1])
            time.sleep(0.01)
        with Consumer(target, start="oldest") as reader:
            frames = list(islice(reader, COUNT))
        pipeline.stop()
    first = captured.index(frames[0].capture_ns)
    assert [frame.capture_ns for frame in frames] == captured[first : first + COUNT]
    written = [stream[number % COUNT] for number in range(first, first + COUNT)]
    assert [frame.data for frame in frames] == [unit.data for unit in written]
    assert [frame.is_keyframe for frame in frames] == [unit.entry is not EntryPoint.NONE for unit in written]


def ring_has(name: str, count: int) -> bool:
    try:
        return inspect(name).frames >= count
    except OSError:
        return False


def test_it_says_which_process_has_the_ring(channel: Channel) -> None:
    with (
        Producer(channel=channel.number),
        Pipeline(f"{STREAMS[Codec.JPEG]} ! vshmsink channel={channel.number}") as second,
    ):
        assert list(second) == []
    assert f"Process {os.getpid()} writes to ring /video_stream_ch{channel.number} already" in second.end


def test_that_the_ring_is_taken_is_told_once_however_often_an_encoder_tries_again(channel: Channel) -> None:
    encoder = "x264enc rc-lookahead=20 ! h264parse config-interval=-1"  # it tries with each picture that it holds
    line = f"videotestsrc is-live=true ! {encoder} ! vshmsink channel={channel.number}".split()
    with Producer(channel=channel.number):
        result = subprocess.run(
            ["gst-launch-1.0", *line],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=WATCHDOG_S,
            check=False,
        )
    assert result.stderr.count(f"writes to ring /video_stream_ch{channel.number} already") == 1, result.stderr


def test_gst_launch_writes_a_ring_and_ends_it_with_ctrl_c(channel: Channel) -> None:
    line = f"{STREAMS[Codec.JPEG]} ! vshmsink channel={channel.number}".split()
    process = subprocess.Popen(["gst-launch-1.0", "-q", *line], env=environment())
    try:
        assert len(frames_of(channel, 3)) == 3
        process.send_signal(2)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert not channel.ring_path.exists()
