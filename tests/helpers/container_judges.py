# SPDX-License-Identifier: Apache-2.0
"""Reads containers with two independent programs: FFmpeg's ffprobe, and GStreamer's qtdemux or matroskademux."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from judges import TIMEOUT_S, ffprobe, gstreamer_python

# Prints a document for each file: caps of each stream, and (running time, whether it may be sought to) of each packet.
_DEMUX = """
import json, sys
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)

def demux(path):
    name = "qtdemux" if path.endswith(".mp4") else "matroskademux"
    pipeline = Gst.parse_launch(f'filesrc location="{path}" ! {name} name=demuxer')
    found = []

    def add(_, pad):
        caps, packets, segment = pad.get_current_caps().to_string(), [], [None]
        found.append((caps, packets))

        def see(_, info):
            if info.type & Gst.PadProbeType.BUFFER:
                buffer = info.get_buffer()
                time_ns = segment[0].to_running_time(Gst.Format.TIME, buffer.pts)
                packets.append((time_ns, not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)))
            elif info.get_event().type == Gst.EventType.SEGMENT:
                segment[0] = info.get_event().parse_segment()
            return Gst.PadProbeReturn.OK

        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.EVENT_DOWNSTREAM, see)
        queue, sink = Gst.ElementFactory.make("queue"), Gst.ElementFactory.make("fakesink")
        for limit in ("time", "bytes", "buffers"):
            queue.set_property(f"max-size-{limit}", 0)
        sink.set_property("async", False)
        for element in (queue, sink):
            pipeline.add(element)
            element.sync_state_with_parent()
        queue.link(sink)
        pad.link(queue.get_static_pad("sink"))

    pipeline.get_by_name("demuxer").connect("pad-added", add)
    pipeline.set_state(Gst.State.PLAYING)
    ends = Gst.MessageType.EOS | Gst.MessageType.ERROR
    message = pipeline.get_bus().timed_pop_filtered(20 * Gst.SECOND, ends)
    pipeline.set_state(Gst.State.NULL)
    if message is None or message.type == Gst.MessageType.ERROR:
        raise SystemExit(f"{path}: {message and message.parse_error()}")
    return found

for path in sys.argv[1:]:
    print(json.dumps(demux(path)))
"""


class Track(NamedTuple):
    """A stream in a file. kind is its tag or caps; times_s and keys are of its packets, in the order of the file."""

    kind: str
    times_s: list[float]
    keys: list[bool]


class Found(NamedTuple):
    """What a reader finds in a file. sound is None if there is none."""

    pictures: Track
    sound: Track | None


def by_ffprobe(path: Path) -> Found:
    """Read the packets with ffprobe, and check that decoding times rise and are not after presentation times."""
    entries = "stream=codec_type,codec_tag_string:packet=stream_index,pts_time,dts_time,flags"
    command = [ffprobe(), "-v", "error", "-show_entries", entries, "-of", "json", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert result.stderr == ""
    told = json.loads(result.stdout)
    tracks = {}
    for index, stream in enumerate(told["streams"]):
        packets = [packet for packet in told["packets"] if packet["stream_index"] == index]
        decoding = [float(packet["dts_time"]) for packet in packets if "dts_time" in packet]
        assert decoding == sorted(set(decoding))
        assert all(float(packet.get("dts_time", 0)) <= float(packet["pts_time"]) for packet in packets)
        times_s = [float(packet["pts_time"]) for packet in packets]
        keys = ["K" in packet["flags"] for packet in packets]
        tracks[stream["codec_type"]] = Track(stream["codec_tag_string"], times_s, keys)
    return Found(tracks["video"], tracks.get("audio"))


def by_gstreamer(paths: Sequence[Path]) -> list[Found]:
    """Read the packets with their running times, as the demuxer delivers them."""
    command = [gstreamer_python(), "-c", _DEMUX, *[str(path) for path in paths]]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert result.returncode == 0, result.stderr
    found = []
    for line in result.stdout.splitlines():
        tracks = [
            Track(caps, [time / 1e9 for time, _ in packets], [key for _, key in packets])
            for caps, packets in json.loads(line)
        ]
        sound = [track for track in tracks if track.kind.startswith("audio")]
        (pictures,) = (track for track in tracks if track not in sound)
        found.append(Found(pictures, sound[0] if sound else None))
    return found
