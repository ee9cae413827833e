# SPDX-License-Identifier: Apache-2.0
"""The microphone of a USB camera: its sound, its pace, its volume, its silence."""

import array
import itertools
import struct

import pytest
from usb_host import CLASS_IN, CLASS_OUT, SET_INTERFACE, STANDARD_OUT, Host, Plug, plugging, small_design

plug = pytest.fixture(plugging)
MUTE, VOLUME, FEATURES = 0x0100, 0x0200, 2 << 8 | 2
PACKETS = 5  # of a transfer


@pytest.fixture
def host(plug: Plug) -> Host:
    """A camera with a microphone, half a second after a full second."""
    made = plug(small_design(microphone=True))
    made.now_s = 1000.5
    return made


def start(host: Host, alternate: int = 1) -> int:
    answer = host.control(STANDARD_OUT, SET_INTERFACE, alternate, 3, 0)
    assert answer is not None
    return answer.status


def heard(host: Host, seconds: float, step_s: float = 0.005, sizes: frozenset[int] = frozenset({96})) -> list[int]:
    """The samples of a time, in which transfers are always waiting. sizes: that packets may have, in bytes."""
    data, until_s = b"", host.now_s + seconds
    waiting = [host.submit_packets(2, PACKETS, 768) for _ in range(4)]
    while host.now_s < until_s:
        host.now_s += step_s
        host.device.tick()
        for answer in host.answers():
            assert answer.number == waiting.pop(0)
            assert len(answer.packets) == PACKETS and {len(one) for one, _ in answer.packets} <= sizes
            data += answer.data
            waiting.append(host.submit_packets(2, PACKETS, 768))
    for number in waiting:
        assert host.unlink(number) == -104
    return array.array("h", data).tolist()


def test_a_tone_at_each_full_second(host: Host) -> None:
    assert start(host) == 0
    samples = heard(host, 1.0)
    assert abs(len(samples) - 48_000) <= 480
    loud = [at for at, sample in enumerate(samples) if sample]
    assert 23_900 < min(loud) < 24_100 and 28_700 < max(loud) < 28_900  # from 0.5 s on, for 100 ms
    crossings = [b for a, b in itertools.pairwise(loud) if samples[a] < 0 <= samples[b]]
    assert 95 <= len(crossings) <= 101  # 1 kHz
    assert max(samples) == 8000


@pytest.mark.parametrize("step_s", [0.023, 0.1])  # in which it asks for 20 packets, of 1 ms each
def test_a_host_that_asks_for_too_few_packets_gets_all_the_sound_in_larger_ones(host: Host, step_s: float) -> None:
    assert start(host) == 0
    samples = heard(host, 2.0, step_s, sizes=frozenset({96, 768}))
    assert abs(len(samples) - 96_000) <= 48_000 * 0.1
    loud = [at for at, sample in enumerate(samples) if sample]
    assert 23_900 < min(loud) < 24_100 and 4550 < len(loud) / 2 < 4650  # none of it is lost
    assert [event.name for event in host.books().events] == ["sound-started"]


def test_volume_and_mute(host: Host) -> None:
    limits = [host.got(CLASS_IN, request, VOLUME, FEATURES) for request in (0x82, 0x83, 0x84, 0x81)]
    assert [struct.unpack("<h", each)[0] for each in limits] == [-5120, 0, 256, 0]
    answer = host.control(CLASS_OUT, 1, VOLUME, FEATURES, struct.pack("<h", -5120))
    assert answer is not None and answer.status == 0
    start(host)
    assert max(heard(host, 0.7)) == 800  # 20 dB less
    host.control(CLASS_OUT, 1, MUTE, FEATURES, b"\1")
    assert host.got(CLASS_IN, 0x81, MUTE, FEATURES) == b"\1"
    assert not any(heard(host, 1.0))


def test_silence_is_no_sound_at_all_and_in_the_books(host: Host) -> None:
    start(host)
    host.faults.set("silent", 2)
    assert heard(host, 1.9) == []
    host.now_s += 0.2
    assert heard(host, 0.1)
    assert [event.name for event in host.books().events] == ["sound-started", "sound-lost"]


def test_what_is_not_there_is_refused(host: Host) -> None:
    assert start(host, 2) == -32
    for request, value, index in ((0x81, 0x0900, FEATURES), (0x81, MUTE, 1 << 8 | 2), (0x83, MUTE, FEATURES)):
        answer = host.control(CLASS_IN, request, value, index, 2)
        assert answer is not None and answer.status == -32
    answer = host.control(CLASS_OUT, 1, VOLUME, FEATURES, b"\1")
    assert answer is not None and answer.status == -32


def test_a_camera_without_a_microphone_has_no_sound(plug: Plug) -> None:
    host = plug()
    assert start(host) == -32 and start(host, 0) == 0
    answer = host.control(CLASS_IN, 0x81, MUTE, FEATURES, 1)
    assert answer is not None and answer.status == -32
