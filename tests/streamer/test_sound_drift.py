# SPDX-License-Identifier: Apache-2.0
"""Pictures and sound in a recording belong together where the card's clock is off: ci/full sound-drift, in short."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from beeps import recorded
from judges import ffmpeg, ffprobe
from sound_card import installed

PPM = (2000, -2000)
SECONDS = 20  # 40 ms at their end


def test_a_beep_is_beside_its_picture_to_the_end_of_the_file(tmp_path: Path) -> None:
    assert ffmpeg() and ffprobe()
    with installed(tmp_path), ThreadPoolExecutor() as pool:
        recordings = list(pool.map(lambda ppm: recorded(ppm, SECONDS, tmp_path), PPM))
    for found in recordings:
        assert [beep.second for beep in found] == list(range(found[0].second, found[-1].second + 1))
        assert len(found) >= SECONDS - 2
        assert max(abs(beep.by_time_ms) for beep in found) < 20
