# SPDX-License-Identifier: Apache-2.0
"""What becomes of an imported ring when its writer, its exporter or the link is gone, or slow."""

import itertools

from relay_link import Relay, relay  # noqa: F401
from writers import wait_until

from vshm_ctypes import Flag

SLOW = "2mbit"


def keyframes_follow_gaps(relay: Relay) -> int:  # noqa: F811
    """Check that what follows a gap is a keyframe and flagged; return how many gaps there were."""
    frames, gaps = relay.frames(), 0
    for before, frame in itertools.pairwise(frames):
        if frame["number"] != before["number"] + 1:
            assert frame["flags"] & Flag.KEYFRAME
            assert frame["flags"] & Flag.DISCONTINUITY
            gaps += 1
    return gaps


def test_a_writer_that_dies_closes_the_ring_and_the_next_one_opens_it(relay: Relay) -> None:  # noqa: F811
    relay.start_camera()
    relay.start_import()
    relay.camera.kill()
    relay.wait_end()
    count = len(relay.frames())
    relay.start_camera()
    relay.wait_frames(count + 30)
    relay.kill_export()
    relay.wait_end(2)
    relay.start_export()
    relay.wait_frames(len(relay.frames()) + 30)


def test_a_cut_closes_the_ring_and_it_comes_back(relay: Relay) -> None:  # noqa: F811
    relay.start_camera()
    relay.start_import()
    relay.near.link("down")
    relay.wait_end()
    relay.near.link("up")
    relay.wait_frames(len(relay.frames()) + 30)
    assert keyframes_follow_gaps(relay)
    relay.camera.terminate()
    relay.wait_end(2)
    here, there = relay.end_export()["streams"][0], relay.end_import()["streams"][0]
    assert here["received"] == here["sent"] + sum(here["dropped"].values())
    assert there["received"] == there["sent"] + sum(there["dropped"].values())
    assert there["missed"] > 0


def test_a_slow_link_drops_whole_frames_up_to_a_keyframe_before_they_are_sent(relay: Relay) -> None:  # noqa: F811
    relay.start_camera(size=15_000)  # 5 Mbit/s
    relay.near.limit(SLOW)
    relay.start_import()
    wait_until(lambda: relay.exported()["streams"][0]["dropped"].get("slow", 0) > 60, "frames are dropped")
    relay.wait_frames(90)
    assert keyframes_follow_gaps(relay)
    assert all(frame["crc"] == source["crc"] for frame, source in relay.pairs())
    relay.near.limit(None)
    count = len(relay.frames())
    relay.wait_frames(count + 100)
    relay.camera.terminate()
    relay.wait_end()
    here, there = relay.end_export()["streams"][0], relay.end_import()["streams"][0]
    assert here["received"] == here["sent"] + sum(here["dropped"].values())
    assert there["received"] == there["sent"] + sum(there["dropped"].values())
    assert there["missed"] == 0  # nothing was lost on the way
