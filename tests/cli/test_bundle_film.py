# SPDX-License-Identifier: Apache-2.0
"""The streams of a bundle as its page shows them: films in the time that they came in, or stills."""

import io
import json

import av
import pytest
from bundles import EVERY_NS, bundle_of, stream_members
from encoded import HEIGHT, WIDTH, stream
from html_page import Page
from jpegs import jpeg

from vshm_ctypes import Codec
from vshm_ctypes.bundles.members import ENDINGS, frames_of
from vshm_ctypes.cli.bundle import film as bundle_film
from vshm_ctypes.cli.bundle.film import film, stills
from vshm_ctypes.cli.bundle.page import page_of


def made(codec: Codec, units: list[tuple[bytes, bool]]) -> tuple[bytes, list[dict[str, int]]]:
    """Return the film, and the frames that it was made from."""
    members = stream_members("ring", codec, units)
    frames = frames_of(members["frames/ring.json"])
    return film(members[f"pictures/ring.{ENDINGS[codec]}"], ENDINGS[codec], frames), frames


def pictures(film: bytes) -> list[tuple[float, float]]:
    """Return (time in seconds, brightness) of each picture."""
    with av.open(io.BytesIO(film), "r") as opened:
        assert opened.streams.video[0].codec_context.name in ("h264", "hevc")  # which browsers play
        decoded = list(opened.decode(video=0))
    return [(float(one.time or 0), float(one.to_ndarray(format="gray").mean())) for one in decoded]


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.JPEG])
def test_a_film_has_every_picture_when_it_was_received(codec: Codec) -> None:
    units = stream(codec, 12)
    content, frames = made(codec, units)
    shown = pictures(content)
    assert len(shown) == 12
    begin_ns = frames[0]["received_ns"]
    assert [time_s for time_s, _ in shown] == pytest.approx(
        [(frame["received_ns"] - begin_ns) / 1e9 for frame in frames], abs=1e-4
    )
    assert shown[-1][0] - shown[-2][0] == pytest.approx(EVERY_NS / 1e9 + 0.5, abs=1e-3)


def test_jpeg_keeps_its_brightness_as_it_becomes_a_film() -> None:
    units = stream(Codec.JPEG, 8)
    with_levels = []
    for data, _ in units:
        with av.open(io.BytesIO(data), "r", format="mjpeg") as one:
            with_levels.append(float(next(one.decode(video=0)).to_ndarray(format="gray").mean()))
    assert [level for _, level in pictures(made(Codec.JPEG, units)[0])] == pytest.approx(with_levels, abs=3)


def test_pictures_of_any_jpeg_and_any_size_become_one_film() -> None:
    units = [(jpeg(variant), True) for variant in ("baseline", "progressive", "4:4:4", "restarts")]
    units.append((stream(Codec.JPEG, 1)[0][0], True))
    assert len(pictures(made(Codec.JPEG, units)[0])) == 5


def test_broken_jpeg_is_left_out_and_a_film_of_none_is_refused() -> None:
    good, bad = jpeg(), jpeg()[:200]
    assert len(pictures(made(Codec.JPEG, [(good, True), (bad, True), (good, True)])[0])) == 2
    with pytest.raises(ValueError, match="none of its pictures"):
        made(Codec.JPEG, [(bad, True), (b"?", True)])


def test_pictures_cost_no_more_than_a_page_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    units = [(jpeg(), True)] * 6
    monkeypatch.setattr(bundle_film, "MOST_PIXELS", 3 * WIDTH * HEIGHT)
    assert len(pictures(made(Codec.JPEG, units)[0])) == 3
    monkeypatch.setattr(bundle_film, "LARGEST_PIXELS", WIDTH * HEIGHT - 1)
    with pytest.raises(ValueError, match="none of its pictures"):
        made(Codec.JPEG, units)


def test_stills_are_of_all_parts_of_a_stream_and_as_they_were_written() -> None:
    units = [(jpeg(seed=seed), True) for seed in range(20)]
    members = stream_members("ring", Codec.JPEG, units)
    found = stills(members["pictures/ring.mjpeg"], frames_of(members["frames/ring.json"]))
    assert [number for number, _ in found] == [0, 3, 6, 9, 12, 15]
    assert all(data == units[number][0] for number, data in found)


def test_the_page_has_a_film_of_jpeg_or_stills_where_there_can_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bundle_of({"ring": Codec.JPEG})
    page = Page(page_of(found))
    assert "video" in page.tags
    assert "Encoded anew for this page" in page.text
    assert "pictures/ring.mjpeg" in page.text
    monkeypatch.setattr(bundle_film, "ENCODER", "none of that name")
    page = Page(page_of(found))
    assert "video" not in page.tags
    assert page.tags.count("img") == bundle_film.STILLS
    assert "can't be shown as a film" in page.text


def test_a_size_that_no_frame_has_ends_the_film() -> None:
    members = stream_members("ring", Codec.JPEG, [(jpeg(), True)] * 3)
    told = json.loads(members["frames/ring.json"])
    told["frames"][2][1] = 10**9
    frames = frames_of(json.dumps(told).encode())
    assert len(pictures(film(members["pictures/ring.mjpeg"], "mjpeg", frames))) == 2
