# SPDX-License-Identifier: Apache-2.0
"""The standard stream, and parts of a stream."""

import pytest

from hil.blocks.schedule import MAX_FRAME_SIZE, Due, Schedule, standard
from hil.gate.phases import check_parts


def test_the_standard_stream_is_always_the_same() -> None:
    assert standard(100, 250).text == standard(100, 250).text
    frames = standard(100, 250).frames
    assert [frame.at_us for frame in frames[:3]] == [0, 4000, 8000]
    assert [number for number, frame in enumerate(frames) if frame.keyframe] == [0, 30, 60, 90]
    assert all(frame.size <= MAX_FRAME_SIZE for frame in frames)


def test_a_part_goes_round() -> None:
    stream = standard(10, 100)
    part = stream.part(8, 5)
    assert [frame.at_us for frame in part.frames] == [0, 10_000, 20_000, 30_000, 40_000]
    assert [frame.size for frame in part.frames] == [stream.frames[at].size for at in (8, 9, 0, 1, 2)]


def test_a_recording_that_is_too_slow_for_blocks_is_refused_before_anything_is_measured() -> None:
    check_parts(standard(300, 30))
    check_parts(standard(50, 0.5))
    with pytest.raises(ValueError, match=r"at least 40 frames, and here that takes 130 s"):
        check_parts(standard(50, 0.3))


def test_no_later_lap_of_a_recording_is_too_slow_either() -> None:
    """Its parts of 40 frames begin at 0, 40, and then 20: only the last has both pauses."""
    frames = [Due(number * 1000 + 60_000_000 * ((number > 30) + (number > 50)), 1000, False) for number in range(60)]
    with pytest.raises(ValueError, match="that takes 120 s"):
        check_parts(Schedule("x", tuple(frames)))
