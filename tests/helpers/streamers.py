# SPDX-License-Identifier: Apache-2.0
"""Runs camera-streamer as a child process, and examines its rings."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
import numpy
from writers import wait_until

from hil.streamer.sources import barcode
from vshm_ctypes import Codec, Consumer, Frame, VideoShmError, inspect

TIMEOUT_S = 60
PICTURES = ["--device", "testsrc:320x240@5", "--stats"]
DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "hil.streamer", *words]


@contextmanager
def streaming(ring: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """Run camera-streamer, and wait until it has written a frame."""
    with subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:

            def has_frames() -> bool:
                assert process.poll() is None, process.communicate()
                try:
                    return inspect(ring).frames > 0
                except VideoShmError:
                    return False

            wait_until(has_frames, "the first frame")
            yield process
        finally:
            process.kill()


def end(process: "subprocess.Popen[str]", number: signal.Signals = signal.SIGTERM) -> dict[str, Any]:
    """End it cleanly, and return its final counts."""
    process.send_signal(number)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    summary: dict[str, Any] = json.loads(out)
    return summary["channels"]  # type: ignore[no-any-return]


def take(stream: Consumer, count: int) -> list[Frame]:
    frames: list[Frame] = []
    while len(frames) < count:
        frame = stream.receive(timeout=TIMEOUT_S)
        assert frame is not None
        frames.append(frame)
    return frames


def numbers(frames: list[Frame]) -> list[int | None]:
    decoder: Any = av.CodecContext.create(DECODERS[Codec(frames[0].codec)], "r")
    pictures = [picture for frame in frames for picture in decoder.decode(av.Packet(frame.data))]
    pictures += decoder.decode(None)
    return [barcode.read(p.reformat(format="yuv420p").to_ndarray()[: p.height]) for p in pictures]


@contextmanager
def sounding(ring: str, words: str) -> Iterator["subprocess.Popen[str]"]:
    """Run camera-streamer with that sound in RING_sound, and a few pictures."""
    sound = f"{ring}_sound"
    with streaming(sound, *PICTURES, "--channel", f"{ring}:", "--audio", f"{words},ring={sound}") as process:
        yield process


def pitch_hz(samples: Any, rate: int) -> float:
    """Return the frequency of the loudest tone, Hz."""
    return float(numpy.argmax(numpy.abs(numpy.fft.rfft(samples))) * rate / len(samples))
