# SPDX-License-Identifier: Apache-2.0
"""Measures how far pictures and sound are apart in a file, with FFmpeg's programs.

The source of sound beeps at each full second of CLOCK_MONOTONIC, and the pictures show their numbers.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy
from judges import ffmpeg, ffprobe
from numpy.typing import NDArray
from streamers import end, streaming
from vshm import vshm

from hil.streamer.ledger import read_ledger
from hil.streamer.sources import barcode

LOUD = 2000
PICTURES = "testsrc:160x96@5"
QUIET_S = 0.2  # so long before a beep


class Beep(NamedTuple):
    """second: of CLOCK_MONOTONIC, when it sounded. by_time_ms: so much later than its pictures it is in the file, by
    the times that the file gives. by_count_ms: likewise for who plays one sample behind the other.
    """

    second: int
    by_time_ms: float
    by_count_ms: float


def _blocks(words: list[str], size: int) -> Iterator[bytes]:
    """Decode the sound with FFmpeg, in blocks of that size."""
    command = [ffmpeg(), "-v", "error", *words, "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while block := process.stdout.read(size):
            yield block
    assert process.returncode == 0


def _frames(path: Path, stream: str, *entries: str) -> NDArray[numpy.int64]:
    words = [ffprobe(), "-v", "error", "-select_streams", stream, "-show_entries", f"frame={','.join(entries)}"]
    told = subprocess.run([*words, "-of", "json", str(path)], stdout=subprocess.PIPE, check=True).stdout
    return numpy.array([[int(frame[entry]) for entry in entries] for frame in json.loads(told)["frames"]])


def _stream(path: Path, stream: str) -> dict[str, str]:
    words = [ffprobe(), "-v", "error", "-select_streams", stream, "-show_streams", "-of", "json", str(path)]
    told = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
    return told["streams"][0]  # type: ignore[no-any-return]


def _seconds(time_base: str) -> float:
    numerator, denominator = map(int, time_base.split("/"))
    return numerator / denominator


def _onsets(path: Path, rate: int) -> NDArray[numpy.int64]:
    """Return the samples at which a beep begins."""
    found, base, last = [], 0, 0
    words = ["-i", str(path), "-map", "0:a", "-ac", "1", "-f", "s16le"]
    for block in _blocks(words, 2 * rate):
        wave = numpy.frombuffer(block, "<i2").astype(int)
        loud = numpy.flatnonzero(numpy.abs(wave) > LOUD) + base
        begins = numpy.diff(loud, prepend=last) > QUIET_S * rate
        found += list(loud[begins])
        base, last = base + len(wave), loud[-1] if len(loud) else last
    return numpy.array(found)


def _numbers(path: Path, width: int, height: int) -> list[int | None]:
    words = ["-i", str(path), "-map", "0:v", "-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo"]
    blocks = _blocks(words, width * height)
    return [barcode.read(numpy.frombuffer(block, numpy.uint8).reshape(height, width)) for block in blocks]


def beeps(path: Path, ring: str, ledger: Path) -> list[Beep]:
    """Return the beeps in the file. ledger is camera-streamer's, with the times of capture of that ring's pictures."""
    picture, sound = _stream(path, "v"), _stream(path, "a")
    rate = int(sound["sample_rate"])
    taken_s = {
        record.v4l2_sequence: record.capture_ns / 1e9 for record in read_ledger(ledger) if record.channel == ring
    }
    shown_s = _frames(path, "v", "pts")[:, 0] * _seconds(picture["time_base"])
    numbers = _numbers(path, int(picture["width"]), int(picture["height"]))
    assert len(numbers) == len(shown_s)
    pictures_s = numpy.array([taken_s[number] for number in numbers if number is not None])
    assert len(pictures_s) == len(shown_s)
    frames = _frames(path, "a", "pts", "nb_samples")
    begins = numpy.cumsum(frames[:, 1]) - frames[:, 1]
    times_s = frames[:, 0] * _seconds(sound["time_base"])
    found = []
    for onset in _onsets(path, rate):
        frame = numpy.searchsorted(begins, onset, "right") - 1
        by_time_s = times_s[frame] + (onset - begins[frame]) / rate
        by_count_s = times_s[0] + onset / rate
        true_s = [float(numpy.interp(at_s, shown_s, pictures_s)) for at_s in (by_time_s, by_count_s)]
        if shown_s[0] < by_time_s < shown_s[-1]:
            second = round(true_s[0])
            found.append(Beep(second, (true_s[0] - second) * 1e3, (true_s[1] - second) * 1e3))
    return found


def recorded(ppm: float, seconds: float, folder: Path) -> list[Beep]:
    """Return the beeps in a recording by vshm record, of that length, from sound_card.py with so fast a clock."""
    ring = f"/vshm_drift_{os.getpid()}_{'fast' if ppm > 0 else 'slow'}{abs(ppm):g}"
    path, ledger = folder / f"{ppm:g}.mp4", folder / f"{ppm:g}.ledger"
    source = f"alsa:card:ppm={ppm:g},period=0.1"
    words = ["--device", PICTURES, "--channel", f"{ring}:slots=50,slot=64k", "--stats", "--ledger", str(ledger)]
    try:
        with streaming(f"{ring}_sound", *words, "--audio", f"{source},ring={ring}_sound") as process:
            outcome = vshm(
                "record",
                ring,
                "--audio",
                f"{ring}_sound",
                "-o",
                str(path),
                "-t",
                f"{seconds:g}",
                "--json",
                timeout=seconds + 60,
            )
            assert outcome.code == 0, outcome.err
            end(process)
        return beeps(path, ring, ledger)
    finally:
        for name in (ring, f"{ring}_sound"):
            Path(f"/dev/shm{name}").unlink(missing_ok=True)
