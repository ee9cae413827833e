# SPDX-License-Identifier: Apache-2.0
"""From opening a camera to its first picture: what is tried again, what is passed over, and that it starts last."""

import errno
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from camera_streams import SIZE, camera_of, jpegs, plug
from fake_v4l2 import FakeCamera, Sent
from own_clock import Clock
from scripted_source import clock_of_healing

from hil.streamer import main
from hil.streamer.arguments import build_parser
from hil.streamer.sources.healing import HealingSource
from hil.streamer.sources.modes import Wanted
from hil.streamer.sources.source import SourceError
from hil.streamer.sources.v4l2 import V4l2Source
from vshm_ctypes import Codec, Consumer, Flag
from vshm_ctypes.commandline.ending import End

QUERYCAP, S_FMT, REQBUFS, STREAMON = 0, 5, 8, 18
PASSING = [errno.EIO, errno.EBUSY, errno.EPROTO, errno.ETIMEDOUT, errno.ENOSPC, errno.EPIPE]


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    return lambda *given: plug(monkeypatch, tmp_path, *given)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return clock_of_healing(monkeypatch)


def two_cameras() -> tuple[FakeCamera, FakeCamera]:
    first, second = camera_of(Codec.JPEG, []), camera_of(Codec.JPEG, jpegs(3))
    second.bus = b"bus-2"
    return first, second


def test_the_camera_starts_when_its_first_picture_is_asked_for(cameras: Any) -> None:
    camera = camera_of(Codec.JPEG, jpegs(1))
    cameras(camera)
    source = V4l2Source("auto", Wanted(SIZE, 25.0, Codec.JPEG))
    source.open()
    seen = [camera.is_streaming]
    assert source.read(1.0) is not None
    seen.append(camera.is_streaming)
    source.close()
    assert [*seen, camera.is_streaming] == [False, True, False]


def test_pictures_are_not_captured_before_ring_and_websocket_are_there(
    cameras: Any, ring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setting them up takes seconds on a small board; pictures of that time were lost, or dated afterwards."""
    camera = camera_of(Codec.JPEG, [])
    cameras(camera)
    seen = []
    served = main.open_websocket

    def serve(*words: Any) -> Any:
        seen.append(camera.is_streaming)
        return served(*words)

    def stream(source: Any, lanes: Any, *_: Any) -> bool:
        seen.append(camera.is_streaming)
        with Consumer(ring) as reader:  # the ring is there
            camera.queue += [Sent([data], stamp_ns=time.monotonic_ns()) for data in jpegs(1)]
            while not lanes[0].books.captured:
                captured = source.read(1.0)
                if captured is not None:
                    lanes[0].offer(captured)
            frame = next(iter(reader))
        assert frame.flags & Flag.CAPTURE_DRIVER
        assert not frame.discontinuity
        return True

    monkeypatch.setattr(main, "open_websocket", serve)
    monkeypatch.setattr(main, "stream", stream)
    words = ["--channel", f"{ring}:codec=jpeg", "--websocket", "0"]
    assert main.run(build_parser().parse_args(words), End()) == 0
    assert seen == [False, False]


@pytest.mark.parametrize("number", PASSING)
@pytest.mark.parametrize("ioctl", [S_FMT, REQBUFS, STREAMON, QUERYCAP])
def test_what_may_pass_is_tried_again_wherever_it_comes(cameras: Any, clock: Clock, ioctl: int, number: int) -> None:
    camera = camera_of(Codec.JPEG, jpegs(1))
    camera.refused[ioctl] = number
    cameras(camera)
    source = HealingSource(V4l2Source("auto", Wanted(SIZE, 25.0, Codec.JPEG)), clock, starts=5)
    for _ in range(3):
        try:
            source.open()
        except SourceError as error:
            assert error.kind == "streamon"
            continue
        assert source.read(0.1) is None
    camera.refused.clear()
    if ioctl != STREAMON:
        source.open()
    while source.read(0.1) is None:
        pass
    assert source.figures()["streamon"] in (1, 3)
    source.close()


@pytest.mark.parametrize("ioctl", [S_FMT, REQBUFS])
def test_what_does_not_pass_is_not_tried_again(cameras: Any, ioctl: int) -> None:
    camera = camera_of(Codec.JPEG, [])
    camera.refused[ioctl] = errno.EINVAL
    cameras(camera)
    with pytest.raises(SourceError) as raised:
        V4l2Source("auto", Wanted(SIZE)).open()
    assert raised.value.kind == "failed"


@pytest.mark.parametrize("words", ["auto", "fake", "Fake \ufffd camera"])
@pytest.mark.parametrize("number", [errno.EBUSY, errno.ENOSPC])
@pytest.mark.parametrize("ioctl", [S_FMT, REQBUFS, STREAMON])
def test_where_the_first_is_in_use_it_goes_on_to_a_free_one(
    cameras: Any, clock: Clock, words: str, ioctl: int, number: int
) -> None:
    first, second = two_cameras()
    first.refused[ioctl] = number
    nodes = cameras(first, second)
    source = HealingSource(V4l2Source(words, Wanted(SIZE, 25.0, Codec.JPEG)), clock, starts=5)
    source.open()
    while source.read(0.1) is None:
        pass
    assert str(nodes[1]) in source.name
    source.close()


@pytest.mark.parametrize("ioctl", [S_FMT, STREAMON])
def test_a_camera_that_was_named_by_its_place_is_not_replaced(
    cameras: Any, clock: Clock, ioctl: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    caplog.set_level(logging.INFO)
    first, second = two_cameras()
    first.refused[ioctl] = errno.EBUSY
    nodes = cameras(first, second)
    for words in (str(nodes[0]), "bus-1"):
        source = HealingSource(V4l2Source(words, Wanted(SIZE)), clock, starts=2)
        with pytest.raises(SourceError, match=f"{nodes[0]} .*: another program uses it"):
            source.open()
            while True:
                source.read(0.1)
        source.close()
    assert "passed over" not in caplog.text


def test_a_camera_that_has_streamed_is_not_replaced_where_others_use_it(cameras: Any, clock: Clock) -> None:
    first, second = two_cameras()
    cameras(first, second)
    source = V4l2Source("auto", Wanted(SIZE))
    source.open()
    source.read(0.0)
    source.close()
    first.refused[S_FMT] = errno.EBUSY
    with pytest.raises(SourceError, match="another program uses it"):
        source.open()


def test_where_all_are_in_use_each_is_named(cameras: Any) -> None:
    pair = two_cameras()
    for camera in pair:
        camera.refused[S_FMT] = errno.EBUSY
    nodes = cameras(*pair)
    with pytest.raises(SourceError, match=f"{nodes[0]} .*another program uses it; {nodes[1]} .*another") as raised:
        V4l2Source("auto", Wanted(SIZE)).open()
    assert raised.value.kind == "streamon"


def test_no_bandwidth_is_told_with_what_to_do(cameras: Any) -> None:
    camera = camera_of(Codec.JPEG, [])
    camera.refused[STREAMON] = errno.ENOSPC
    cameras(camera)
    source = V4l2Source("auto", Wanted(SIZE))
    source.open()
    with pytest.raises(SourceError, match="no bandwidth left: choose a smaller picture, a lower rate or another port"):
        source.read(0.1)
    source.close()


def test_a_start_that_fails_again_and_again_is_told_once(
    cameras: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("camera-streamer"), "propagate", True)
    caplog.set_level(logging.INFO)
    camera = camera_of(Codec.JPEG, jpegs(1))
    camera.refused[STREAMON] = errno.EIO
    cameras(camera)
    source = HealingSource(V4l2Source("auto", Wanted(SIZE, 25.0, Codec.JPEG)), clock)
    source.open()
    while source.figures().get("streamon", 0) < 7:
        source.read(0.1)
    assert caplog.text.count("it does not start (VIDIOC_STREAMON: Input/output error)") == 1
    assert "there again" not in caplog.text
    camera.refused.clear()
    while source.read(0.1) is None:
        pass
    assert caplog.text.count("it is there again") == 1
    source.close()
