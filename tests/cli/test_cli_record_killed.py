# SPDX-License-Identifier: Apache-2.0
"""A recording that is killed plays up to its last second, whatever is in it; and sound is heard where it belongs."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from coded_streams import BEGIN_NS, PERIOD, Coded
from container_judges import by_ffprobe, by_gstreamer
from encoded import FPS, decoded
from writers import wait_until

from vshm_ctypes import AudioFormat, Codec, Media, Producer
from vshm_ctypes.cli.main import main
from vshm_ctypes.published import list_published

SOUND = AudioFormat(16000, 1, 320)
PERIOD_MS = PERIOD * 1000 // FPS


def hear(sounds: Producer, *times_ms: range) -> None:
    """Write frames of sound that begin so long after the first picture."""
    for at_ms in (at_ms for span in times_ms for at_ms in span):
        with sounds.reserve() as slot:
            slot.data[:640] = bytes(640)
            capture_ns = BEGIN_NS + at_ms * 1_000_000
            slot.commit(640, codec=Codec.PCM_S16LE, capture_ns=capture_ns, **SOUND.meta())


def has_read(pid: int, ring: str, frames: int) -> bool:
    return any(one.pid == pid and one.ring == ring and one.received >= frames for one in list_published())


@pytest.mark.parametrize("sound", ["none", "stale", "late"])
@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
@pytest.mark.parametrize("kind", ["h264 b", "h264 refresh", "jpeg"])
def test_a_killed_recording_plays_up_to_its_last_second(
    ring: str, tmp_path: Path, kind: str, ending: str, sound: str
) -> None:
    """It does so even if none of the sound that it is to have has come yet."""
    path = tmp_path / f"clip{ending}"
    command = [sys.executable, "-m", "vshm_ctypes", "record", ring, "-o", str(path), "--from", "oldest"]
    if sound != "none":
        command += ["--audio", f"{ring}_sound"]
    with (
        Producer(ring, slots=200, slot_size=16384) as producer,
        Producer(f"{ring}_sound", slots=200, slot_size=4096, media=Media.AUDIO) as sounds,
    ):
        Coded(producer, kind).write(2 * PERIOD)
        hear(sounds, range(-500, -400, 20), range(1200, 2 * PERIOD_MS, 20) if sound == "late" else range(0))
        with subprocess.Popen(command) as process:
            wait_until(lambda: has_read(process.pid, ring, 2 * PERIOD), "it has every picture")
            wait_until(lambda: path.exists() and path.stat().st_size > 0, "it records")
            time.sleep(1)
            process.kill()
    found = decoded(str(path), cut=True)
    assert len(found) >= 2 * PERIOD - (2.3 if sound == "stale" else 1.3) * FPS
    assert [level for _, level in found] == [number % 20 for number in range(len(found))]
    if sound == "late":
        heard = by_ffprobe(path).sound
        assert heard is not None
        assert heard.times_s[0] == pytest.approx(1.2, abs=0.0006)


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
@pytest.mark.parametrize("gap_ms", [300, 2500])
def test_sound_behind_a_gap_is_where_it_belongs_wherever_a_fragment_ends(
    ring: str, tmp_path: Path, ending: str, gap_ms: int
) -> None:
    path = tmp_path / f"clip{ending}"
    spans = [range(400, 900, 20), range(900 + gap_ms, 2 * PERIOD_MS, 20)]
    with (
        Producer(ring, slots=200, slot_size=16384) as producer,
        Producer(f"{ring}_sound", slots=500, slot_size=4096, media=Media.AUDIO) as sounds,
    ):
        Coded(producer, "h264 b").write(2 * PERIOD)
        hear(sounds, *spans)
        words = ["--from", "oldest", "-c", str(2 * PERIOD), "--audio", f"{ring}_sound"]
        assert main(["record", ring, "-o", str(path), *words]) == 0
    expected = [at_ms / 1000 for span in spans for at_ms in span]
    readers = [by_ffprobe(path)]
    if ending == ".mkv":  # GStreamer's qtdemux of 1.22 knows no PCM of ISO/IEC 23003-5
        readers += by_gstreamer([path])
    for found in readers:
        assert found.sound is not None
        assert found.sound.times_s == pytest.approx(expected, abs=0.0011)
