# SPDX-License-Identifier: Apache-2.0
"""What FFmpeg's encoders make of a clip comes out of vshm record as it was, picture by picture, whatever the container.

VIDEO_SHM_LONG takes every encoder's setting in every container, and all of the corpus; else it is a choice of them.
"""

import os
from itertools import pairwise
from pathlib import Path

import pytest
from corpus.table import Stream, streams
from round_trip import PICTURES, RATE, RAW, Clip, packets, pictures, probe, record

from hil.streamer.sources.timeline import BEHIND_S

H264 = "-pix_fmt yuv420p -c:v libx264 -g 6 -x264-params scenecut=0:min-keyint=6:threads=1"
H265 = "-pix_fmt yuv420p -c:v libx265 -g 6 -x265-params log-level=none:pools=1:scenecut=0:min-keyint=6"
MJPEG = "-c:v mjpeg -q:v 3"
SETTINGS = {
    "h264 baseline": f"{H264} -profile:v baseline",
    "h264 main": f"{H264}:bframes=2:b-adapt=0:b-pyramid=none -profile:v main",
    "h264 high": f"{H264}:bframes=3:b-adapt=0:b-pyramid=normal",
    "h264 high 10": f"{H264} -pix_fmt yuv420p10le",
    "h264 high 422": f"{H264} -pix_fmt yuv422p",
    "h264 high 444": f"{H264} -pix_fmt yuv444p",
    "h264 lossless": f"{H264}:qp=0 -pix_fmt yuv444p",
    "h264 rgb": f"{H264} -pix_fmt rgb24".replace("libx264", "libx264rgb"),
    "h264 grey": f"{H264} -pix_fmt gray",
    "h264 slices": f"{H264}:slices=4",
    "h264 refresh": f"{H264}:intra-refresh=1:bframes=0",
    "h264 open gop": f"{H264}:open-gop=1:bframes=2:b-adapt=0",
    "h264 interlaced": f"{H264} -flags +ildct+ilme",
    "h264 intra only": f"{H264}:keyint=1",
    "h264 constant rate": f"{H264}:nal-hrd=cbr:vbv-maxrate=200:vbv-bufsize=100:bitrate=200",
    "h264 delimiters": f"{H264}:aud=1:slices=2",
    "h264 one keyframe": f"{H264}:keyint=300",
    "h264 zero latency": f"{H264} -tune zerolatency",
    "h265 closed gop": f"{H265}:open-gop=0:bframes=2:b-adapt=0",
    "h265 open gop": f"{H265}:open-gop=1:bframes=3:b-adapt=0",
    "h265 radl": f"{H265}:open-gop=0:radl=2:bframes=3:b-adapt=0",
    "h265 slices": f"{H265}:slices=4:ctu=16:min-cu-size=8",
    "h265 fields": f"{H265}:interlace=tff",
    "h265 main 10": f"{H265} -pix_fmt yuv420p10le",
    "h265 main 422": f"{H265} -pix_fmt yuv422p10le",
    "h265 main 444": f"{H265} -pix_fmt yuv444p",
    "h265 lossless": f"{H265}:lossless=1",
    "h265 refresh": f"{H265}:intra-refresh=1:bframes=0",
    "h265 delimiters": f"{H265}:aud=1:hrd=1:vbv-maxrate=300:vbv-bufsize=300",
    "h265 intra only": f"{H265}:keyint=1",
    "h265 temporal layers": f"{H265}:temporal-layers=1:bframes=3:b-adapt=0",
    "mjpeg 420": f"{MJPEG} -pix_fmt yuvj420p",
    "mjpeg 422": f"{MJPEG} -pix_fmt yuvj422p",
    "mjpeg 444": f"{MJPEG} -pix_fmt yuvj444p",
    "mjpeg default tables": f"{MJPEG} -pix_fmt yuvj420p -huffman default",
}
CONTAINERS = {
    "h264": ["mp4", "mkv", "ts", "h264", "avi", "mov", "flv"],
    "h265": ["mp4", "mkv", "ts", "h265", "mov"],
    "mjpeg": ["mkv", "avi", "mjpeg", "mov", "mp4"],
}
OF_CONTAINERS = {"ts": "-f mpegts", "mjpeg": "-f mjpeg"}
ODD = {"h264 odd": ("66x50", H264), "h265 odd": ("66x50", H265), "mjpeg odd": ("65x49", f"{MJPEG} -pix_fmt yuvj420p")}
LONG = "VIDEO_SHM_LONG" in os.environ
# Else one setting of each codec in each container, and of the others some in one.
EVERYWHERE = {"h264 high", "h265 open gop", "mjpeg 420"}
SHORT = {"h264 refresh", "h264 slices", "h264 open gop", "h264 odd", "h265 fields", "h265 radl", "mjpeg 444"}


def clips() -> list[Clip]:
    """Return all combinations, or a choice of them."""
    found = []
    sized = {name: ("64x64", arguments) for name, arguments in SETTINGS.items()} | ODD
    for number, (name, (size, arguments)) in enumerate(sized.items()):
        kind = name.split()[0]
        codec = {"h264": "h264", "h265": "hevc", "mjpeg": "mjpeg"}[kind]
        endings = CONTAINERS[kind]
        one = [endings[number % len(endings)]] if name in SHORT else []
        for ending in endings if LONG or name in EVERYWHERE else one:
            tail = f"{arguments} {OF_CONTAINERS.get(ending, '')}"
            found.append(Clip(name, codec, tail, ending, size))
    return found


def outputs(codec: str, folder: Path) -> list[Path]:
    return [folder / f"recorded.{ending}" for ending in ("mp4", "mkv", RAW[codec])]


@pytest.mark.parametrize("clip", clips(), ids=str)
def test_a_clip_comes_out_as_it_was(clip: Clip, ring: str, tmp_path: Path) -> None:
    source = clip.make(tmp_path)
    before = pictures(source)
    assert len(before) == PICTURES
    made = outputs(clip.codec, tmp_path)
    record(source, ring, PICTURES, made)
    for path in made:
        assert pictures(path) == before, path.name
        assert len(packets(path)) == PICTURES
    for path in made[:2]:
        check_times(path, source)


def check_times(path: Path, source: Path) -> None:
    """Check that decoding times rise, and that pictures are shown after decoding and a picture's time apart."""
    told = packets(path)
    dts = [float(packet["dts_time"]) for packet in told if "dts_time" in packet]
    pts = [float(packet["pts_time"]) for packet in told]
    assert all(before < after for before, after in pairwise(dts))
    assert all(float(packet["pts_time"]) >= float(packet.get("dts_time", packet["pts_time"])) for packet in told)
    rate = 25 if source.suffix == ".mjpeg" else RATE  # a raw stream of JPEG has no rate of its own
    # A machine that stands for longer makes the file go on at the present.
    steps = [step for before, after in pairwise(sorted(pts)) if (step := after - before) < BEHIND_S]
    assert len(steps) >= len(pts) - 3
    assert steps == pytest.approx([1 / rate] * len(steps), abs=0.002), path.name


# FFmpeg's program can judge: it shows a picture for each access unit, and finds them (not those of redundant pictures).
JUDGED = [
    stream
    for stream in streams()
    if stream.frames == stream.units and stream.entries[0] != "." and not stream.name.startswith(("redundant", "size"))
]


FEW = {"field_pairs_predicted.h264", "OpenH264_temporal_layers_slices.h264", "h265_second_layer.h265"}


@pytest.mark.parametrize("stream", [stream for stream in JUDGED if LONG or stream.name in FEW], ids=str)
def test_a_stream_of_the_corpus_comes_out_as_it_was(stream: Stream, ring: str, tmp_path: Path) -> None:
    codec = "h264" if stream.codec == "h264" else "hevc"
    made = outputs(codec, tmp_path)
    record(stream.path, ring, stream.units, made)
    before = pictures(stream.path)
    for path in made:
        assert pictures(path) == before, path.name


def test_a_size_that_changes_begins_another_file(ring: str, tmp_path: Path) -> None:
    (stream,) = (stream for stream in streams() if stream.name == "size_changes.h264")
    record(stream.path, ring, stream.units, [tmp_path / "clip.mp4"])
    found = []
    for name in ("clip.mp4", "clip-2.mp4", "clip-3.mp4"):
        shown = probe(tmp_path / name, "-show_streams")["streams"][0]
        found.append((shown["width"], shown["height"], len(pictures(tmp_path / name))))
    assert found == [(48, 32, 4), (32, 48, 4), (48, 32, 4)]
