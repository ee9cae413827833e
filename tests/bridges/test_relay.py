# SPDX-License-Identifier: Apache-2.0
"""A ring of one machine on another one, whose clock is a thousand seconds ahead."""

from relay_link import AHEAD_S, Relay, relay  # noqa: F401
from writers import wait_until

from vshm_ctypes import Codec, Flag


def test_frames_arrive_with_their_bytes_flags_and_times(relay: Relay) -> None:  # noqa: F811
    relay.start_camera()
    relay.start_import()
    relay.wait_frames(60)
    clock = relay.imported()["clocks"][0]
    written = relay.written()
    frames = relay.frames()
    numbers = [frame["number"] for frame in frames]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for position, frame in enumerate(frames):
        source = written[frame["number"]]
        assert frame["crc"] == source["crc"]
        assert frame["ms"] == source["ms"]
        assert frame["stream"] == [Codec.H265, 1280, 720, 30]
        assert frame["flags"] & ~Flag.DISCONTINUITY == source["flags"]
        assert bool(frame["flags"] & Flag.DISCONTINUITY) == (position == 0)
        # The machines share one clock but for what was set between them, so that the error is known.
        error_ns = frame["capture_ns"] - AHEAD_S * 10**9 - source["capture_ns"]
        assert abs(error_ns) <= relay.first_uncertainty_ns + 5_000_000  # which was told after the first frames
    true_ns = AHEAD_S * 10**9
    assert abs(clock["offset_ns"] - true_ns) <= clock["uncertainty_ns"]


def test_a_late_import_begins_with_the_keyframe_that_was_written_before_it(relay: Relay) -> None:  # noqa: F811
    relay.start_camera(fps=10, gop=100_000)  # its only keyframe is the first frame
    wait_until(lambda: len(relay.written()) > 10, "the camera has written some frames")
    relay.start_import()
    relay.wait_frames(30)
    assert [frame["number"] for frame in relay.frames()[:30]] == list(range(30))


def test_the_books_balance_from_the_camera_to_the_reader(relay: Relay) -> None:  # noqa: F811
    relay.start_camera()
    relay.start_import()
    relay.wait_frames(60)
    relay.camera.terminate()
    relay.wait_end()
    here, there = relay.end_export()["streams"][0], relay.end_import()["streams"][0]
    assert here["received"] == here["sent"] + sum(here["dropped"].values())
    assert here["received"] + here["missed"] + here["skipped"] == len(relay.written())
    assert there["received"] == there["sent"] + sum(there["dropped"].values())
    recalled = there["received"] + there["missed"] - here["sent"]
    assert 0 <= recalled <= here["dropped"].get("down", 0)
    assert there["sent"] == len(relay.frames())
