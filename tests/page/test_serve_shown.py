# SPDX-License-Identifier: Apache-2.0
"""What the page of vshm serve shows of unusual streams, or says of what it can't show, in browsers that differ.

In every case no error goes uncaught, and no promise is rejected without somebody who takes it.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import TOO_SLOW, ChromiumPage, Page
from encoded import stream
from firefox import FIREFOX, FirefoxPage, firefox
from serving import TOKEN, Server
from unusual_streams import (
    HEIGHT,
    WIDTH,
    encoded,
    from_first_recovery_point,
    playing,
    playing_sound,
    sets_of,
    without_sets,
)

from vshm_ctypes import Codec, Producer

PLAIN = "bframes=0"
REFRESH = "intra-refresh=1:bframes=0"
TRIES = 5
OPEN_GOP = "keyint=12:min-keyint=12:open-gop=1:bframes=2:b-adapt=0:b-pyramid="


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def window(request: pytest.FixtureRequest) -> Iterator[Page]:
    """One for all cases."""
    if request.param == "chromium":
        yield ChromiumPage(request.getfixturevalue("chromium_driver"))
        return
    if FIREFOX is None:
        pytest.skip("needs Firefox: ci/bootstrap base web")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, firefox(Path(folder)) as driver:
        yield FirefoxPage(driver)


@pytest.fixture
def page(window: Page) -> Iterator[Page]:
    window.errors()
    yield window
    assert window.errors() == []
    window.driver.get("about:blank")


@pytest.fixture(params=["secure", "from another host"])
def url(request: pytest.FixtureRequest, server: Server, guarded: Server, ring: str) -> str:
    """Of the ring: as the machine itself has the page, with WebCodecs, and as others do, without."""
    if request.param == "secure":
        return server.url(f"/#{ring}")
    return guarded.url(f"/?token={TOKEN}#{ring}", "camera.test")


def test_pictures_in_another_order_than_they_are_decoded_in_are_played(page: Page, url: str, ring: str) -> None:
    with playing(ring, encoded("bframes=3:b-adapt=0")):
        page.open(url)
        page.wait(lambda: page.shown > 20, "it plays")
        assert not page.complaint


def test_a_long_gop_that_lies_in_the_ring_is_played_without_complaint(page: Page, url: str, ring: str) -> None:
    units = encoded("keyint=200:min-keyint=200:bframes=0", count=180)

    def shows_the_newest() -> bool:
        return page.text("frame") in ("178", "179")

    with Producer(ring, slots=200) as producer:
        for data, key, _ in units:
            producer.write(data, keyframe=key)
        for _ in range(TRIES):
            page.open(url)
            page.wait(lambda: shows_the_newest() or TOO_SLOW in page.text("message"), "the newest is shown")
            if shows_the_newest():  # a busy machine may decode too slowly to catch up
                break
        assert shows_the_newest() and not page.complaint


def test_gradual_refresh_plays_where_the_browser_can_begin_else_it_is_said(page: Page, url: str, ring: str) -> None:
    units = from_first_recovery_point(encoded(REFRESH))
    with playing(ring, units):
        page.open(url)
        page.wait(lambda: page.shown > 10 or "send IDR keyframes" in page.text("message"), "it plays, or says why not")
        if page.shown:
            return
    with playing(ring, encoded(REFRESH)):
        page.wait(lambda: page.shown > 10 and not page.complaint, "it begins at the IDR")


@pytest.mark.parametrize("pyramid", ["0", "2:bframes=3"], ids=["flat", "pyramid"])
def test_open_gops_play_where_the_browser_can_begin_else_it_is_said(
    page: Page, url: str, ring: str, pyramid: str
) -> None:
    with playing(ring, from_first_recovery_point(encoded(f"{OPEN_GOP}{pyramid}"))):
        page.open(url)
        page.wait(lambda: page.shown > 30 or "send IDR keyframes" in page.text("message"), "it plays, or says why not")


def test_keyframes_without_parameter_sets_are_said_and_it_begins_with_those_that_come(
    page: Page, url: str, ring: str
) -> None:
    units = encoded(PLAIN)
    bare = without_sets(units)
    with playing(ring, bare) as producer:
        page.open(url)
        page.says("without its parameter sets")
        producer.write(sets_of(units), codec=Codec.H264)  # by themselves
        page.wait(lambda: page.shown > 10 and not page.complaint, "it plays")


def test_a_change_of_size_is_shown(page: Page, url: str, ring: str) -> None:
    with playing(ring, (*encoded(PLAIN)[:30], *encoded(PLAIN, size=(64, 48))[:30])):
        page.open(url)
        page.wait(lambda: page.text("stream") == f"H.264 {WIDTH}x{HEIGHT}", "the one size")
        page.wait(lambda: page.text("stream") == "H.264 64x48", "the other")
        shown = page.shown
        page.wait(lambda: page.shown > shown + 30, "it goes on")


@pytest.mark.parametrize(("pixels", "profile"), [("yuv422p", "High 4:2:2"), ("yuv420p10le", "High 10")])
def test_profiles_of_studios_play_or_are_named_with_advice(
    page: Page, url: str, ring: str, pixels: str, profile: str
) -> None:
    with playing(ring, encoded(PLAIN, pixels=pixels)):
        page.open(url)
        page.wait(lambda: page.shown > 10 or "Let the encoder send 4:2:0 with 8 bits" in page.text("message"), "either")
        assert page.shown or f"profile {profile}, {WIDTH}x{HEIGHT} (avc1." in page.text("message")


def test_broken_pictures_are_survived(page: Page, url: str, ring: str) -> None:
    units = encoded(PLAIN)
    broken = tuple((data[:60] + b"\xff" * 40 + data[60:], key, at) for data, key, at in units)
    with playing(ring, (*units[:20], *broken[:10], *units[:20])):
        page.open(url)
        page.wait(lambda: page.shown > 60, "it goes on")


def test_jpeg_that_no_browser_decodes_is_said_and_whole_pictures_are_shown(
    page: Page, server: Server, ring: str
) -> None:
    whole, _ = stream(Codec.JPEG, 1)[0]
    scan = whole.index(b"\xff\xda")
    lossless = whole.replace(b"\xff\xc0", b"\xff\xc3")
    with Producer(ring) as producer:

        def write(data: bytes) -> bool:
            producer.write(data, keyframe=True, codec=Codec.JPEG, width=64, height=48)
            return True

        page.open(server.url(f"/#{ring}"))
        page.wait(lambda: write(whole[:scan]) and "that is cut off" in page.text("message"), "it says so")
        page.wait(lambda: write(lossless) and "decodes none of the last" in page.text("message"), "it says so")
        page.wait(lambda: write(whole) and page.shown > 3 and not page.complaint, "it shows them")


def test_an_unknown_codec_is_named(page: Page, server: Server, ring: str) -> None:
    with playing(ring, ((b"?", True, 0),), codec=77):
        page.open(server.url(f"/#{ring}"))
        page.says("calls this codec 77", "It shows H.264, H.265, JPEG")


def test_an_empty_ring_is_said(page: Page, server: Server, ring: str) -> None:
    with Producer(ring):
        page.open(server.url(f"/#{ring}"))
        page.says("Nothing was ever written")


def test_an_address_that_names_no_ring_is_said(page: Page, server: Server) -> None:
    page.open(server.url("/#%E0%A4%A"))
    page.says("There is no such ring")


@pytest.mark.parametrize("codec", ["opus", "aac", "pcm"])
def test_sound_is_heard_after_a_click(page: Page, url: str, ring: str, codec: str) -> None:
    with playing_sound(ring, codec):  # type: ignore[arg-type]
        page.open(url)
        name = {"opus": "Opus", "aac": "AAC", "pcm": "PCM"}[codec]
        page.wait(lambda: page.text("what") == f"Sound, {name}, 48000 Hz, 2 channels", "it says what it is")
        page.click("listen")
        page.wait(lambda: page.shown > 20 and page.text("listen") == "Stop", "it plays")
        assert not page.complaint
