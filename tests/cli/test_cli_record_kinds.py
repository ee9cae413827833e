# SPDX-License-Identifier: Apache-2.0
"""vshm record writes what the name says, or refuses and leaves nothing: of pictures, and of sound alone."""

import json
from pathlib import Path
from unittest.mock import patch

import av
import numpy
import pytest
from coded_streams import KINDS, Coded
from written_sound import TONE_MS, frames_of_sound, write_sound

from vshm_ctypes import AudioFormat, Codec, Consumer, Frame, Media, Producer
from vshm_ctypes.cli.main import main

FFMPEG_NAMES = {"h264": "h264", "h265": "hevc", "jpeg": "mjpeg", "opus": "opus", "aac": "aac", "pcm": "pcm_s16le"}
# What FFmpeg's demuxer is called that opens the file, by ending.
DEMUXERS = {
    ".mp4": "mov,mp4,m4a,3gp,3g2,mj2",
    ".mov": "mov,mp4,m4a,3gp,3g2,mj2",
    ".m4a": "mov,mp4,m4a,3gp,3g2,mj2",
    ".mkv": "matroska,webm",
    ".mka": "matroska,webm",
    ".webm": "matroska,webm",
    ".ts": "mpegts",
    ".ogg": "ogg",
    ".opus": "ogg",
    ".wav": "wav",
    ".aac": "aac",
    ".h264": "h264",
    ".264": "h264",
    ".h265": "hevc",
    ".hevc": "hevc",
    ".mjpeg": "mjpeg",
}
PICTURES = [
    *((kind, ending) for kind in ("h264", "h264 b", "h265") for ending in (".mov", ".ts")),
    *[("jpeg", ".mov"), ("jpeg", ".mjpeg"), ("h265", ".hevc"), ("h264", ".264")],
]
SOUNDS = [
    *[("opus", ending) for ending in (".opus", ".ogg", ".mka", ".mkv", ".mp4", ".webm", ".ts", ".OGG")],
    *[("aac", ending) for ending in (".aac", ".m4a", ".mka", ".mp4", ".mov", ".ts")],
    *[("pcm", ending) for ending in (".wav", ".mka", ".mkv", ".mp4", ".mov")],
]
REFUSED = [
    *[("h264", ending) for ending in (".avi", ".webm", ".wav", ".ogg", ".mjpeg", ".h265", ".flv", ".png", ".txt")],
    *[("jpeg", ending) for ending in (".h264", ".ts", ".mka", ".jpg", ".gif")],
    *[("h265", ending) for ending in (".h264", ".aac")],
    *[("opus", ending) for ending in (".wav", ".h264", ".mp3", ".raw", "")],
    *[("aac", ending) for ending in (".ogg", ".wav", ".pcm", ".flac")],
    *[("pcm", ending) for ending in (".ogg", ".m4a", ".aac", ".ts")],
]


def write(ring: str, kind: str) -> Producer:
    """Return the open writer of a ring with some of that stream in it."""
    if kind in KINDS:
        producer = Producer(ring, slots=100)
        Coded(producer, kind).write(40)
        return producer
    producer = Producer(ring, slots=200, slot_size=4096, media=Media.AUDIO)
    write_sound(producer, kind, 48000, 0)
    return producer


@pytest.mark.parametrize(("kind", "ending"), PICTURES)
def test_pictures_are_in_what_the_name_says(ring: str, tmp_path: Path, kind: str, ending: str) -> None:
    path = tmp_path / f"clip{ending}"
    with write(ring, kind):
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", "40"]) == 0
    with av.open(str(path)) as container:
        assert container.format.name == DEMUXERS[ending]
        assert container.streams.video[0].codec_context.name == FFMPEG_NAMES[kind.split()[0]]
        assert sum(1 for _ in container.decode(video=0)) == 40


@pytest.mark.parametrize(("kind", "ending"), SOUNDS)
def test_sound_alone_is_in_what_the_name_says(ring: str, tmp_path: Path, kind: str, ending: str) -> None:
    path = tmp_path / f"clip{ending}"
    count = len(frames_of_sound(kind, 48000, 0))
    with write(ring, kind):
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", str(count)]) == 0
    with av.open(str(path)) as container:
        assert container.format.name == DEMUXERS[ending.lower()]
        stream = container.streams.audio[0]
        assert stream.codec_context.name in (FFMPEG_NAMES[kind], f"lib{kind}")
        seconds = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert seconds == pytest.approx(2.5, abs=0.06)


@pytest.mark.parametrize("channels", range(3, 9))
@pytest.mark.parametrize("ending", [".wav", ".mkv", ".mp4", ".mka"])
def test_an_array_of_microphones_is_recorded_channel_by_channel(
    ring: str, tmp_path: Path, channels: int, ending: str
) -> None:
    path = tmp_path / f"clip{ending}"
    samples = numpy.arange(320 * channels, dtype="<i2").reshape(320, channels)
    with Producer(ring, slots=100, slot_size=8192, media=Media.AUDIO) as producer:
        for _ in range(10):
            producer.write(samples.tobytes(), codec=Codec.PCM_S16LE, **AudioFormat(16000, channels, 320).meta())
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", "1"]) == 0
    with av.open(str(path)) as container:
        found = numpy.concatenate([frame.to_ndarray().reshape(-1, channels) for frame in container.decode(audio=0)])
    assert (found == samples).all()


@pytest.mark.parametrize(("kind", "ending"), REFUSED)
@pytest.mark.parametrize("is_there", [False, True])
def test_what_the_name_does_not_say_is_refused(
    ring: str, tmp_path: Path, kind: str, ending: str, is_there: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message gives the codec by name and a way to go on; nothing is touched, not even with --force."""
    path = tmp_path / f"clip{ending}"
    if is_there:
        path.write_text("precious")
    with write(ring, kind):
        assert main(["record", ring, "-o", str(path), "-c", "10", *(["--force"] if is_there else [])]) == 2
    told = capsys.readouterr().err
    assert "record to ." in told
    assert "codec " not in told
    assert (path.read_text() == "precious") if is_there else not list(tmp_path.iterdir())


@pytest.mark.parametrize(("kind", "ending"), [("jpeg", ".h264"), ("h264", ".wav"), ("opus", ".wav")])
def test_a_stream_that_only_then_turns_out_not_to_fit_leaves_no_file(
    ring: str, tmp_path: Path, kind: str, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with write(ring, kind), patch("vshm_ctypes.cli.record.verb.codecs_now", return_value=set()):
        words = ["record", ring, "-o", str(tmp_path / f"clip{ending}"), "--from", "oldest", "-c", "10", "--json"]
        assert main(words) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["frames"] == 0
    assert f"{ending} holds no {kind}" in err
    assert not list(tmp_path.iterdir())


def test_a_frame_names_its_codec(ring: str) -> None:
    with Producer(ring, media=Media.AUDIO) as producer, Consumer(ring) as stream:
        producer.write(b"x", codec=Codec.OPUS, **AudioFormat(48000, 1, 960).meta())
        frame = stream.receive(1)
    assert isinstance(frame, Frame)
    assert "1 bytes, opus, " in repr(frame)


@pytest.mark.parametrize(("kind", "ending"), SOUNDS)
def test_what_follows_a_gap_in_the_sound_keeps_its_time(ring: str, tmp_path: Path, kind: str, ending: str) -> None:
    """The second tone begins 1.1 s after the first, also where what lies between them was lost."""
    if ending == ".aac":
        pytest.skip("a raw stream has no times")
    path = tmp_path / f"clip{ending}"
    frames = frames_of_sound(kind, 48000, 0)
    lost = range(len(frames) * 3 // 10, len(frames) // 2)
    with Producer(ring, slots=200, slot_size=4096, media=Media.AUDIO) as producer:
        count = write_sound(producer, kind, 48000, 0, but=lost)
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", str(count)]) == 0
    with av.open(str(path)) as container:
        frames_heard = [
            (float(frame.time or 0), numpy.abs(frame.to_ndarray().astype(float)).max())
            for frame in container.decode(audio=0)
        ]
    loudest = max(level for _, level in frames_heard)
    heard = [time_s for time_s, level in frames_heard if level > loudest / 4]
    first = heard[0]
    second = next(time_s for time_s in heard if time_s > first + 0.5)
    assert second - first == pytest.approx((TONE_MS[1] - TONE_MS[0]) / 1000, abs=0.045)
