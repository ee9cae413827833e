# SPDX-License-Identifier: Apache-2.0
"""The example programs, run as a user runs them, on real H.264 in which something happens."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from numpy.typing import NDArray
from processes import wait_until_reading
from writers import ROOT

from vshm_ctypes import Codec, Consumer, Producer

WIDTH, HEIGHT, FPS, GOP = 320, 240, 25, 10
TIMEOUT_S = 60
needs_opencv = pytest.mark.skipif(importlib.util.find_spec("cv2") is None, reason="needs OpenCV: ci/bootstrap")

Picture = NDArray[numpy.uint8]


def encoded(pictures: list[Picture]) -> list[tuple[bytes, bool]]:
    """Return H.264 of brightness alone, with a keyframe every GOP pictures."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, FPS), Fraction(FPS), GOP
    encoder.options = {
        "tune": "zerolatency",
        "crf": "20",
        "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:annexb=1",
    }
    packets = []
    for number, picture in enumerate(pictures):
        planes = numpy.full((HEIGHT * 3 // 2, WIDTH), 128, numpy.uint8)
        planes[:HEIGHT] = picture
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return [(bytes(packet), packet.is_keyframe) for packet in packets + encoder.encode(None)]


def noise(seed: int, level: int = 100) -> Picture:
    """Return a picture as of a sensor in the dark: none is quite like the one before."""
    return numpy.random.default_rng(seed).integers(level - 5, level + 5, (HEIGHT, WIDTH), numpy.uint8)


def still(level: int) -> Picture:
    return numpy.full((HEIGHT, WIDTH), level, numpy.uint8)


def drawn_face() -> Picture:
    """Return a picture of a face that is good enough for the detector."""
    picture = still(90)
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]

    def ellipse(at_x: int, at_y: int, half_width: int, half_height: int, level: int) -> None:
        inside = ((x - WIDTH / 2 - at_x) / half_width) ** 2 + ((y - HEIGHT / 2 - at_y) / half_height) ** 2 <= 1
        picture[inside] = level

    ellipse(0, 0, 55, 75, 190)
    ellipse(0, -60, 52, 28, 60)  # hair
    for side in (-22, 22):
        ellipse(side, -12, 15, 8, 110)
        ellipse(side, -12, 6, 5, 30)
        ellipse(side, -27, 13, 3, 50)  # brows
    ellipse(0, 12, 7, 14, 205)  # nose
    ellipse(0, 24, 10, 4, 140)
    ellipse(0, 42, 22, 7, 90)  # mouth
    return picture


class Stage:
    """A ring on which pictures are played to an example."""

    def __init__(self, ring: str) -> None:
        self.ring = ring
        self.producer = Producer(ring)
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, example: str, *words: str) -> "subprocess.Popen[str]":
        """Start it, and wait until it reads."""
        command = [sys.executable, "-m", f"vshm_ctypes.examples.{example}", self.ring, *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        wait_until_reading(process, self.producer.info().identity)
        return process

    def play(self, pictures: list[Picture], fps: float = FPS) -> None:
        for data, keyframe in encoded(pictures):
            time.sleep(1 / fps)
            self.producer.write(data, keyframe=keyframe, codec=Codec.H264, width=WIDTH, height=HEIGHT, fps=FPS)

    def end(self, process: "subprocess.Popen[str]") -> list[str]:
        """Close the ring; all that the example printed until it ended by itself."""
        self.producer.close()
        printed = process.communicate(timeout=TIMEOUT_S)[0]
        assert process.returncode == 0
        return printed.splitlines()

    def events(self, process: "subprocess.Popen[str]") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.end(process)]


@pytest.fixture
def stage(ring: str) -> Iterator[Stage]:
    stage = Stage(ring)
    yield stage
    stage.producer.close()
    for process in stage.processes:
        process.kill()
        process.communicate()


def decoded_count(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_the_recorder_writes_files_that_play_alone_and_keeps_the_latest(stage: Stage, tmp_path: Path) -> None:
    process = stage.start("recorder", "--folder", str(tmp_path), "--seconds", "0.3", "--keep", "2")
    stage.play([noise(number) for number in range(60)], fps=50)  # a keyframe every 0.2 s
    printed = stage.end(process)
    files = sorted(tmp_path.iterdir())
    assert len(printed) >= 3
    assert [str(path) for path in files] == printed[-2:]
    assert decoded_count(files[0]) % GOP == 0
    assert sum(map(decoded_count, files)) >= 2 * GOP


@needs_opencv
def test_motion_is_told_once_with_its_picture(stage: Stage, tmp_path: Path) -> None:
    process = stage.start("motion_detection", "--folder", str(tmp_path))
    moved = noise(99)
    moved[60:120, 100:200] = 230  # something comes into the picture, and stays
    stage.play([*(noise(number) for number in range(30)), *([moved] * 30)], fps=100)
    (event,) = stage.events(process)
    assert event["event"] == "motion"
    assert event["frame"] == 30
    assert event["changed"] == pytest.approx(60 * 100 / (WIDTH * HEIGHT), rel=0.2)
    assert decoded_count(Path(event["picture"])) == 1


@needs_opencv
def test_motion_between_keyframes_is_seen_where_every_frame_is_decoded(stage: Stage) -> None:
    process = stage.start("motion_detection", "--every", "2")
    moved = still(100)
    moved[60:120, 100:200] = 230
    stage.play([still(100)] * 14 + [moved] * 2 + [still(100)] * 14, fps=100)
    assert [event["frame"] for event in stage.events(process)] == [14, 16]


@needs_opencv
def test_a_face_is_found_where_it_is_and_none_where_none_is(stage: Stage) -> None:
    process = stage.start("object_detection")
    stage.play([drawn_face()] * 30, fps=30)
    time.sleep(1)  # for a slow detector: each keyframe may take it that long
    stage.play([still(90)] * 30, fps=30)
    *pictures, _ = stage.events(process)
    faces = [told for told in pictures if told["objects"]]
    assert faces
    for told in faces:
        (box,) = told["objects"]
        assert box["x"] < WIDTH / 2 < box["x"] + box["width"]
        assert box["y"] < HEIGHT / 2 < box["y"] + box["height"]
    assert not pictures[-1]["objects"]


@needs_opencv
def test_a_slow_detector_skips_and_others_lose_nothing(stage: Stage) -> None:
    with Consumer(stage.ring) as other:
        process = stage.start("object_detection", "--pause", "0.5")
        player = threading.Thread(target=stage.play, args=([noise(number) for number in range(150)], 100))
        player.start()
        numbers: list[int] = []
        while len(numbers) < 150:
            frame = other.receive(TIMEOUT_S)
            assert frame is not None
            numbers.append(frame.number)
        player.join()
    assert numbers == list(range(150))
    *_, counts = stage.events(process)
    assert counts["skipped"] > 100
    assert counts["missed"] == 0


def test_a_frozen_and_a_black_picture_become_events(stage: Stage) -> None:
    process = stage.start("frame_analysis")
    stage.play(
        [
            *(noise(number) for number in range(30)),
            *([noise(30)] * 45),
            *(noise(number, level=150) for number in range(30)),
            *([still(16)] * 45),
            *(noise(number) for number in range(10)),
        ]
    )
    told = stage.events(process)
    events = [(one["event"], one["begins"]) for one in told if "event" in one]
    assert events[:2] == [("frozen", True), ("frozen", False)]
    assert sorted(events[2:4]) == [("black", True), ("frozen", True)]
    assert sorted(events[4:]) == [("black", False), ("frozen", False)]


def test_bitrate_and_quantiser_are_told_each_second(stage: Stage) -> None:
    process = stage.start("frame_analysis")
    pictures = [noise(number) for number in range(60)]
    mean_bytes = sum(len(data) for data, _ in encoded(pictures)) / len(pictures)
    stage.play(pictures)
    seconds = [one for one in stage.events(process) if "fps" in one]
    assert seconds
    for second in seconds:
        assert 0 < second["qp"] <= 51
        assert second["bit_rate"] == pytest.approx(second["fps"] * 8 * mean_bytes, rel=0.3)
        assert second["brightness"] == pytest.approx(100, abs=3)


@needs_opencv
@pytest.mark.parametrize("example", ["recorder", "motion_detection", "object_detection", "frame_analysis"])
def test_ctrl_c_ends_it_quietly(stage: Stage, example: str) -> None:
    process = stage.start(example)
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize(
    ("example", "module"),
    [
        ("motion_detection", "cv2"),
        ("motion_detection", "aiomqtt"),
        ("object_detection", "cv2"),
        ("frame_analysis", "numpy"),
        ("frame_analysis", "av"),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it(example: str, module: str) -> None:
    run = f"runpy.run_module('vshm_ctypes.examples.{example}', run_name='__main__')"
    words = [sys.executable, "-c", f"import runpy, sys; sys.modules['{module}'] = None; {run}"]
    told = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S)
    missing = "cv2" if module == "aiomqtt" and importlib.util.find_spec("cv2") is None else module
    assert told.stderr == f"{missing} is not installed: pip install 'video-shm[examples]'\n"
    assert told.returncode == 1


def test_it_runs_by_its_path_too() -> None:
    command = [sys.executable, str(ROOT / "vshm_ctypes" / "examples" / "recorder.py"), "--help"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert (told.returncode, told.stderr) == (0, "")
    assert "--folder" in told.stdout


@pytest.mark.parametrize("example", ["recorder", "frame_analysis", "motion_detection", "object_detection"])
def test_without_a_ring_it_is_said_what_to_do(ring: str, example: str) -> None:
    if example != "recorder":
        pytest.importorskip("cv2")
    command = [sys.executable, "-m", f"vshm_ctypes.examples.{example}", ring]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{ring}: no ring of that name") and "start its producer" in done.stderr
    assert "Traceback" not in done.stderr
