# SPDX-License-Identifier: Apache-2.0
"""Sound in a ring: what its metadata says is what a reader and vshm tell, on every path."""

import pytest
from header import ENUMS
from vshm import vshm
from writers import meanwhile

from vshm_ctypes import AudioFormat, Codec, Consumer, Media, Producer, inspect_slots
from vshm_ctypes.audio import SAMPLE_RATES

STEREO = AudioFormat(sample_rate=48000, channels=2, samples=960)


def test_the_numbers_of_sample_rates_are_those_of_the_header() -> None:
    theirs = {int(name.rpartition("_")[2]): code for name, code in ENUMS["video_shm_sample_rate"].items() if code}
    assert {rate: code for code, rate in SAMPLE_RATES.items()} == theirs


@pytest.mark.parametrize("rate", SAMPLE_RATES.values())
@pytest.mark.parametrize("codec", [Codec.PCM_S16LE, Codec.AAC, Codec.OPUS])
def test_a_frame_of_sound_says_what_it_is(ring: str, codec: Codec, rate: int) -> None:
    sound = AudioFormat(rate, 6, 1024)
    with Producer(ring, media=Media.AUDIO) as producer, Consumer(ring) as stream:
        producer.write(b"sound", codec=codec, **sound.meta())
        with producer.reserve() as slot:
            slot.data[:5] = b"sound"
            slot.commit(5, codec=codec, **sound.meta())
        copied, again = stream.receive(0), stream.receive(0)
        (first, second) = inspect_slots(ring)
    assert copied is not None and again is not None
    assert copied.audio == again.audio == copied.meta.audio == first.meta.audio == second.meta.audio == sound
    assert copied.is_keyframe and again.is_keyframe
    assert sound.seconds == pytest.approx(1024 / rate)


def test_a_borrowed_frame_says_it_too_and_a_picture_is_none(ring: str) -> None:
    with Producer(ring, media=Media.AUDIO) as producer, Consumer(ring) as stream:
        producer.write(b"sound", codec=Codec.OPUS, **STEREO.meta())
        with stream.borrow(0) as frame:
            assert frame.audio == STEREO
        producer.write(b"picture", codec=Codec.H264, width=960, height=2, fps=9)
        picture = stream.receive(0)
    assert picture is not None
    assert (picture.audio, picture.meta.audio) == (None, None)


def test_a_sample_rate_that_is_not_told_or_not_known_is_no_figure(ring: str) -> None:
    with Producer(ring, media=Media.AUDIO) as producer, Consumer(ring) as stream:
        for code in (0, 15, 255):
            producer.write(b"x", codec=Codec.PCM_S16LE, width=10, height=1, fps=code)
            frame = stream.receive(0)
            assert frame is not None and frame.audio == (0, 1, 10)
            assert frame.audio.seconds == 0.0
        with meanwhile(lambda: producer.write(b"x", codec=Codec.PCM_S16LE, width=10, height=1, fps=255), 0.02):
            told = vshm("show", ring, "-s", "0.01")
    assert (told.code, "pcm_s16le -, 1 ch" in told.out) == (0, True)
    with pytest.raises(ValueError, match="sample_rate=44000: must be one of 8000, 11025"):
        AudioFormat(44000, 2, 960).meta()


def test_vshm_tells_of_sound_in_terms_of_sound(ring: str) -> None:
    with Producer(ring, media=Media.AUDIO) as producer:
        for _ in range(40):
            producer.write(b"x", codec=Codec.OPUS, **STEREO.meta())
        with meanwhile(lambda: producer.write(b"x", codec=Codec.OPUS, **STEREO.meta()), 0.02):
            listed = vshm("list", "-s", "0.01").out
            lines = {line["name"]: line for line in vshm("list", "-s", "0.01", "--json").json["rings"]}
            shown = vshm("show", ring, "-s", "0.01")
            told = vshm("show", ring, "-s", "0.01", "--json").json
            metrics = vshm("export", "--json").json["samples"]
    (line,) = [line for line in listed.splitlines() if line.startswith(ring)]
    assert "opus 48 kHz, 2 ch" in " ".join(line.split())
    assert "opus 48 kHz, 2 ch" in shown.out
    assert "960 samples a frame, 20 ms" in shown.out
    assert "extended, audio" in shown.out
    assert shown.err == ""
    sound = {"sample_rate": 48000, "channels": 2, "samples": 960}
    assert told["audio"] == lines[ring]["audio"] == sound
    assert (lines[ring]["width"], lines[ring]["height"], lines[ring]["gop"]) == (0, 0, 1)
    assert told["info"]["media"] == Media.AUDIO
    (stream,) = [
        one["labels"] for one in metrics if one["name"] == "vshm_stream_info" and one["labels"]["ring"] == ring
    ]
    assert (stream["codec"], stream["width"], stream["height"]) == ("opus", "0", "0")


def test_a_writer_of_sound_that_marks_no_keyframe_gives_no_advice_on_the_gop(ring: str) -> None:
    with Producer(ring, media=Media.AUDIO) as producer:
        for _ in range(40):
            producer.write(b"x", codec=Codec.OPUS, width=960, height=2, fps=9)
        with meanwhile(lambda: producer.write(b"x", codec=Codec.OPUS, width=960, height=2, fps=9), 0.02):
            shown = vshm("show", ring, "-s", "0.01")
    assert (shown.code, shown.err) == (0, "")
