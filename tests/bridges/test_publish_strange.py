# SPDX-License-Identifier: Apache-2.0
"""vshm publish and streams that are odd: sound that nobody takes, and times of capture that leap."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from far_sides import listener
from filmed import Filmed, Unit, encoded, filmed
from publishing import balance, publishing
from writers import meanwhile

from vshm_ctypes import AudioFormat, Codec, Media, Producer


@contextmanager
def sounding(ring: str, codec: Codec, form: AudioFormat) -> Iterator[None]:
    """Write silence, 20 ms at a time, as long as the block lasts."""
    with Producer(ring, media=Media.AUDIO) as producer:

        def write() -> None:
            producer.write(bytes(2 * form.channels * form.samples), codec=codec, **form.meta())

        with meanwhile(write, 0.02):
            yield


@pytest.mark.parametrize(
    ("codec", "form", "told"),
    [
        (Codec.OPUS, AudioFormat(44100, 2, 882), "opus 44.1 kHz, 2 ch"),  # a rate that Opus does not have
        (Codec.AAC, AudioFormat(48000, 3, 960), "aac 48 kHz, 3 ch"),
    ],
)
def test_sound_of_which_no_stream_can_be_made_does_not_hold_up_the_pictures(
    codec: Codec, form: AudioFormat, told: str, ring: str
) -> None:
    sound = f"{ring}_sound"
    with listener(reads=True) as (port, counts), filmed(ring), sounding(sound, codec, form):
        with publishing(ring, sound, f"tcp://127.0.0.1:{port}") as bridge:
            bridge.wait_for_sent(60)
            bridge.wait(lambda: bridge.stream(1)["dropped"].get("undecodable", 0) > 60, "the sound is refused")
            assert bridge.end() == 0
        for stream in bridge.told["streams"]:
            balance(stream)
    assert f"{sound}: {told}" in bridge.said and bridge.said.count("it is left out") == 1
    assert len(counts) == 1 and bridge.stream(1)["sent"] == 0


class Leaping(Filmed):
    """A camera whose clock is set while it films."""

    leap_ns = 0

    def _write(self, unit: Unit, capture_ns: int) -> None:
        super()._write(unit, time.monotonic_ns() + self.leap_ns)


@pytest.mark.parametrize("leap_s", [-3600, -3, 3600])
def test_a_session_begins_anew_when_the_times_of_capture_leap(leap_s: int, ring: str) -> None:
    camera = Leaping(ring, encoded(Codec.H264, 64, 48))
    with listener(reads=True) as (port, counts), camera, publishing(ring, f"tcp://127.0.0.1:{port}") as bridge:
        bridge.wait_for_sent(30)
        # A machine that was started within the hour has no hour to go back.
        camera.leap_ns = max(leap_s * 1_000_000_000, -time.monotonic_ns() // 2)
        bridge.wait(lambda: bridge.told.get("reconnects") == 1, "another session begins")
        bridge.wait_for_sent(bridge.stream()["sent"] + 60)
        bridge.end()
        balance(bridge.stream())
    assert f"{ring} leapt in its times of capture: the session with the server begins anew" in bridge.said
    assert len(counts) == 2


def test_a_pause_is_no_leap(ring: str) -> None:
    with listener(reads=True) as (port, counts), publishing(ring, f"tcp://127.0.0.1:{port}") as bridge:
        with Producer(ring) as producer:
            for number, unit in enumerate(encoded(Codec.H264, 64, 48)):
                if number == 20:
                    time.sleep(4)  # a camera that was unplugged; longer than what counts as a leap
                producer.write(unit.data, keyframe=unit.keyframe, codec=Codec.H264, width=64, height=48, fps=30)
                time.sleep(0.03)
            bridge.wait_for_sent(30)
        bridge.end()
    assert "leapt" not in bridge.said and len(counts) == 1
