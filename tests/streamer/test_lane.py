# SPDX-License-Identifier: Apache-2.0
"""A channel at work, with encoders that do what the test wants of them."""

import threading
from types import SimpleNamespace
from typing import Any

import av
import numpy
import pytest
from writers import SHARED_MEMORY, WATCHDOG_S, wait_until

from hil.streamer import encoder_settings as settings_module
from hil.streamer import lane as lane_module
from hil.streamer.channels import Channel
from hil.streamer.encoder import Encoded, Encoder
from hil.streamer.lane import Lane
from hil.streamer.pass_through import PassThrough
from hil.streamer.sources.source import Captured
from vshm_ctypes import Codec, Consumer, Frame
from vshm_ctypes.bitstream import AccessUnit, EntryPoint

MS = 1_000_000
ENTRY = {True: EntryPoint.IDR, False: EntryPoint.NONE}
CAMERA: Any = SimpleNamespace(live=True, name="camera", width=64, height=48, fps=25.0, codec=None)


def picture(number: int) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(numpy.full((72, 64), number % 256, numpy.uint8), format="yuv420p")


def captured(number: int, **more: Any) -> Captured:
    return Captured((number + 1) * 40 * MS, picture=None if more.get("bad") else picture(number), **more)


class Gate:
    """An encoder that holds each picture until it is let through. A unit's bytes are its picture's brightness."""

    width, height = 64, 48

    def __init__(self, *_: Any) -> None:
        self.opened, self.inside = threading.Event(), threading.Event()
        self.keyframes: list[bool] = []
        self.times: list[int] = []

    def encode(self, frame: av.VideoFrame, time_ns: int, keyframe: bool) -> list[Encoded]:
        self.inside.set()
        assert self.opened.wait(WATCHDOG_S)
        self.keyframes.append(keyframe)
        self.times.append(time_ns)
        return [(AccessUnit(bytes([frame.to_ndarray()[0, 0]]), ENTRY[keyframe]), time_ns)]

    def flush(self) -> list[Encoded]:
        return []


class Late(Gate):
    """An encoder that holds two pictures back, as those of boards do."""

    def __init__(self, *_: Any) -> None:
        super().__init__()
        self.opened.set()
        self.held: list[Encoded] = []

    def encode(self, frame: av.VideoFrame, time_ns: int, keyframe: bool) -> list[Encoded]:
        self.held += super().encode(frame, time_ns, keyframe)
        return [self.held.pop(0)] if len(self.held) > 2 else []

    def flush(self) -> list[Encoded]:
        return self.held


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(*encoders: Gate) -> None:
        waiting = list(encoders)
        monkeypatch.setattr(lane_module, "Encoder", lambda *_: waiting.pop(0))

    return put


def lane_of(ring: str, fps: float = 0.0) -> Lane:
    return Lane(Channel(ring=ring, fps=fps, slots=100, slot=1 << 16), CAMERA, "any", None)


def read_all(ring: str, lane: Lane | PassThrough) -> list[Frame]:
    with Consumer(ring, start="oldest") as stream:
        lane.close()
        return list(stream)


def test_the_newest_picture_wins_and_the_older_are_counted(ring: str, use: Any) -> None:
    gate = Gate()
    use(gate)
    lane = lane_of(ring)
    lane.offer(captured(0))
    assert gate.inside.wait(WATCHDOG_S)  # the encoder is at it
    for number in range(1, 6):
        lane.offer(captured(number))
    gate.opened.set()
    frames = read_all(ring, lane)
    assert [frame.data for frame in frames] == [b"\0", b"\5"]
    assert (lane.books.captured, lane.books.encoder_dropped, lane.books.written) == (6, 4, 2)
    assert lane.books.imbalance() is None


def test_some_pictures_of_a_file_wait_since_none_is_newer_than_the_others(ring: str, use: Any) -> None:
    gate = Gate()
    use(gate)
    file: Any = SimpleNamespace(**vars(CAMERA) | {"live": False})
    lane = Lane(Channel(ring=ring, slots=100, slot=1 << 16), file, "any", None)
    lane.offer(captured(0))
    assert gate.inside.wait(WATCHDOG_S)
    for number in range(1, lane_module.PENDING_PICTURES + 3):
        lane.offer(captured(number))
    gate.opened.set()
    frames = read_all(ring, lane)
    assert [frame.data[0] for frame in frames] == [0, *range(3, lane_module.PENDING_PICTURES + 3)]
    assert lane.books.encoder_dropped == 2


def test_a_slow_channel_holds_up_no_other(ring: str, use: Any) -> None:
    slow, fast = Gate(), Gate()
    fast.opened.set()
    use(slow, fast)
    lanes = [lane_of(ring), lane_of(f"{ring}_fast")]
    for number in range(10):
        for lane in lanes:
            lane.offer(captured(number))
        wait_until(lambda number=number: lanes[1].books.written > number, "the fast one writes")  # type: ignore[misc]
    assert lanes[0].books.written == 0
    slow.opened.set()
    for lane in lanes:
        lane.close()
    assert [lane.books.written for lane in lanes] == [2, 10]
    assert [lane.books.encoder_dropped for lane in lanes] == [8, 0]


def test_each_access_unit_has_the_times_of_its_own_picture(ring: str, use: Any) -> None:
    use(Late())
    lane = lane_of(ring)
    for number in range(5):
        lane.offer(captured(number, sequence=number))
        wait_until(lambda: not lane._pending, "it is taken")
    frames = read_all(ring, lane)
    assert [frame.data for frame in frames] == [bytes([number]) for number in range(5)]  # none is left in the encoder
    assert [frame.capture_ns for frame in frames] == [(number + 1) * 40 * MS for number in range(5)]
    assert lane.books.imbalance() is None


def test_times_that_go_back_are_encoded_all_the_same(ring: str, use: Any) -> None:
    late = Late()
    use(late)
    lane = lane_of(ring)
    times = [5000 * MS, 4990 * MS, 4990 * MS, 5040 * MS]
    for number, time_ns in enumerate(times):
        lane.offer(Captured(time_ns, picture=picture(number)))
        wait_until(lambda number=number: len(late.times) > number, "it is encoded")  # type: ignore[misc]
    assert [frame.capture_ns for frame in read_all(ring, lane)] == times
    assert lane.failure is None
    assert late.times == sorted(set(late.times))


def test_an_encoder_that_looks_ahead_is_emptied_at_the_end(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "_options", lambda *_: {"x264-params": "rc-lookahead=5:bframes=0:threads=1"})
    lane = Lane(Channel(ring=ring), CAMERA, "libx264", None)
    for number in range(12):
        lane.offer(captured(number))
        wait_until(lambda: not lane._pending, "it is taken")
    assert lane.books.in_flight > 0
    frames = read_all(ring, lane)
    assert [frame.capture_ns for frame in frames] == [(number + 1) * 40 * MS for number in range(12)]
    assert lane.books.imbalance() is None


def test_what_breaks_the_stream_is_told_by_the_next_frame_and_is_key(ring: str, use: Any) -> None:
    gate = Gate()
    gate.opened.set()
    use(gate)
    lane = lane_of(ring)
    given = [captured(0), captured(1), captured(2, bad=True), captured(3), captured(4, discontinuity=True), captured(5)]
    for one in given:
        lane.offer(one)
        wait_until(lambda: lane.books.in_flight == 0, "it is done")
    frames = read_all(ring, lane)
    assert [frame.discontinuity for frame in frames[1:]] == [False, True, True, False]
    assert gate.keyframes == [True, False, True, True, False]
    assert (lane.books.source_error, lane.books.captured, lane.books.written) == (1, 6, 5)


def test_a_break_between_the_pictures_of_a_slower_channel_is_not_lost(ring: str, use: Any) -> None:
    gate = Gate()
    gate.opened.set()
    use(gate)
    lane = lane_of(ring, fps=5.0)
    for number in range(20):
        lane.offer(captured(number, discontinuity=number == 8))
        wait_until(lambda: lane.books.in_flight == 0, "it is done")
    frames = read_all(ring, lane)
    assert [frame.data for frame in frames] == [bytes([number]) for number in (0, 4, 9, 14, 19)]
    assert [frame.discontinuity for frame in frames[1:]] == [False, True, False, False]


JPEG_CAMERA: Any = SimpleNamespace(**vars(CAMERA) | {"codec": Codec.JPEG})


def test_an_encoded_unit_is_in_the_ring_once_it_was_offered_and_none_is_left_out(ring: str) -> None:
    """No thread takes it, and so none of them gives way, however fast they come."""
    threads = threading.active_count()
    lane = PassThrough(Channel(ring=ring, slots=200), JPEG_CAMERA, Codec.JPEG, None)
    assert threading.active_count() == threads
    for number in range(150):
        lane.offer(Captured(number + 1, unit=AccessUnit(bytes([number]), EntryPoint.IDR), discontinuity=number == 7))
        assert lane.books.written == number + 1
    frames = read_all(ring, lane)
    assert [frame.data[0] for frame in frames] == [*range(150)]
    assert [number for number, frame in enumerate(frames) if frame.discontinuity] == [7]
    assert lane.books.imbalance() is None


def test_a_lane_that_cannot_pass_on_ends_alone(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lane, other = (PassThrough(Channel(ring=name), JPEG_CAMERA, Codec.JPEG, None) for name in (ring, f"{ring}_other"))
    monkeypatch.setattr(lane.outlet, "write", None)
    for one in (lane, other, lane, other):
        one.offer(Captured(1, unit=AccessUnit(b"1", EntryPoint.IDR)))
    assert lane.failure is not None
    assert (other.failure, other.books.written) == (None, 2)
    for one in (lane, other):
        one.close()


def test_what_an_encoder_holds_comes_before_the_new_size(ring: str, use: Any) -> None:
    late, gate = Late(), Gate()
    gate.width, gate.height = 128, 96
    gate.opened.set()
    use(late, gate)
    lane = lane_of(ring)
    for number in range(5):
        one = captured(number)
        if number >= 3:
            one.picture = av.VideoFrame.from_ndarray(numpy.full((144, 128), number, numpy.uint8), format="yuv420p")
        lane.offer(one)
        wait_until(lambda: not lane._pending, "it is taken")
    frames = read_all(ring, lane)
    assert [(frame.data[0], frame.width, frame.discontinuity) for frame in frames[1:]] == [
        (1, 64, False),
        (2, 64, False),
        (3, 128, True),
        (4, 128, False),
    ]
    assert [frame.capture_ns for frame in frames] == [(number + 1) * 40 * MS for number in range(5)]
    assert lane.books.imbalance() is None


def test_an_encoder_that_fails_ends_its_lane_only(ring: str, use: Any) -> None:
    gate = Gate()
    use(gate, Gate())
    lane, other = lane_of(ring), lane_of(f"{ring}_other")
    gate.encode = None  # type: ignore[assignment, method-assign]
    lane.offer(captured(0))
    wait_until(lambda: lane.failure is not None, "it fails")
    assert other.failure is None
    for one in (lane, other):
        one.close()


def test_encoders_that_share_their_pictures_share_nothing_else() -> None:
    """What scales is no two threads' to use at once: it stood still for ever."""
    count = 2000
    jpeg = Encoder(Channel("", codec="jpeg"), "mjpeg", 320, 240, 30)
    small = Encoder(Channel("", codec="h264"), "libx264", 160, 120, 30)
    shared: list[av.VideoFrame] = []
    done: dict[str, int] = {}

    def capture() -> None:
        shared[:] = [av.VideoFrame.from_ndarray(numpy.full((360, 320), 50, numpy.uint8), format="yuv420p")]

    together = threading.Barrier(2, action=capture)

    def work(encoder: Encoder) -> None:
        made = 0
        for number in range(count):
            together.wait(WATCHDOG_S)
            made += len(encoder.encode(shared[0], number * MS))
        done[encoder.name] = made

    threads = [threading.Thread(target=work, args=(encoder,), daemon=True) for encoder in (jpeg, small)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WATCHDOG_S)
    assert done == {"mjpeg": count, "libx264": count}


def test_a_ring_whose_lane_gets_no_thread_is_gone_at_once(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is told to end right then would leave it behind."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(lane_module, "Encoder", Gate)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError) as refused:
        Lane(Channel.parse(f"{ring}:,encoder=libx264"), CAMERA, "libx264", None)
    assert refused.tb is not None  # which keeps all alive that the constructor had
    assert not (SHARED_MEMORY / ring[1:]).exists()
