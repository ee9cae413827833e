# SPDX-License-Identifier: Apache-2.0
"""The page of vshm serve in a real browser: Chromium, without a screen."""

import asyncio
import math
from pathlib import Path

import aiohttp
import pytest
from browser import DESKTOP, DIED, PHONE, ChromiumPage
from serving import TOKEN, Server, camera, in_session, serving
from unusual_streams import playing_sound
from writers import ROOT

from vshm_ctypes import Codec, Producer
from vshm_ctypes.cli.web.app import MOST_VIEWERS


def insecure(server: Server, ring: str) -> str:
    """Return the page's address for another machine: its token goes into a cookie at the first page."""
    return server.url(f"/?token={TOKEN}#{ring}", "camera.test")


def test_a_secure_page_plays_h264_by_webcodecs(page: ChromiumPage, server: Server, ring: str) -> None:
    with camera(ring):
        page.open(server.url(f"/#{ring}"))
        page.plays("WebCodecs")
        levels = {page.brightness() for _ in range(20)}
    assert len(levels) > 3  # of pictures that are each of another brightness
    assert page.text("stream") == "H.264 64x48"


def test_a_page_from_another_host_plays_h264_by_media_source_extensions(
    page: ChromiumPage, guarded: Server, ring: str
) -> None:
    with camera(ring):
        page.open(insecure(guarded, ring))
        assert page.driver.execute_script("return isSecureContext") is False
        page.plays("Media Source Extensions")
        levels = {page.brightness() for _ in range(20)}
    assert len(levels) > 3
    assert TOKEN not in page.driver.current_url


@pytest.mark.parametrize("secure", [True, False])
def test_a_killed_producer_is_told_and_the_next_one_is_shown_by_itself(
    page: ChromiumPage, server: Server, guarded: Server, ring: str, secure: bool
) -> None:
    with camera(ring):
        page.open(server.url(f"/#{ring}") if secure else insecure(guarded, ring))
        page.wait(lambda: page.shown > 10, "it plays")
    page.wait(lambda: page.text("message") == DIED, "its death is told")
    shown = page.shown
    with camera(ring):
        page.wait(lambda: page.shown > shown + 10 and not page.complaint, "the next one is shown")


def test_jpeg_is_shown_as_it_is(page: ChromiumPage, server: Server, ring: str) -> None:
    with camera(ring, Codec.JPEG):
        page.open(server.url(f"/#{ring}"))
        page.plays("JPEG")


def test_h265_is_played_or_it_is_said_that_it_is_not(page: ChromiumPage, server: Server, ring: str) -> None:
    with camera(ring, Codec.H265):
        page.open(server.url(f"/#{ring}"))
        supported = page.driver.execute_async_script("""
            const done = arguments[0], codec = "hev1.1.6.L30.90";
            const mse = MediaSource.isTypeSupported(`video/mp4; codecs="${codec}"`);
            VideoDecoder.isConfigSupported({codec}).then((told) => done(told.supported || mse), () => done(mse));""")
        if supported:
            page.wait(lambda: page.shown > 10, "it plays")
        else:
            page.wait(lambda: "does not play H.265" in page.text("message"), "it is said")
            assert page.shown == 0


def test_figures_and_charts_are_filled(page: ChromiumPage, server: Server, ring: str) -> None:
    with camera(ring):
        page.open(server.url(f"/#{ring}"))
        page.wait(lambda: page.text("key") != "-" and "pid" in page.text("readers"), "the figures are there")
        # The clocks are compared by the quickest of several answers, and the first was perhaps a slow one.
        page.wait(lambda: age_ms(page) > 0, "the age of pictures is measured")
    assert page.text("key").startswith("10 frames")
    assert "fps" in captions(page)[0]
    assert "p99" in captions(page)[2]


def age_ms(page: ChromiumPage) -> float:
    """Return how long the page says that a picture takes from the camera to the screen; NaN: it says nothing yet."""
    told = captions(page)[3].removeprefix("Camera to screen").split()
    return float(told[0]) if told[1:] == ["ms"] else math.nan


def captions(page: ChromiumPage) -> list[str]:
    told: list[str] = page.driver.execute_script(
        "return [...document.querySelectorAll('figcaption')].map((caption) => caption.textContent)"
    )
    return told


def test_without_a_ring_the_first_one_that_there_is_is_shown(alone: None, page: ChromiumPage, ring: str) -> None:
    with serving() as server:
        page.open(server.url("/"))
        for address, place in (("all", "all-told"), ("", "message")):
            page.driver.execute_script(f"location.hash = '{address}'")
            seen = f"const at = document.getElementById('{place}'); return at.checkVisibility() && at.textContent"
            page.wait(lambda seen=seen: "There is no ring" in str(page.driver.execute_script(seen)), "it is said")  # type: ignore[misc]
        with camera(ring):
            page.plays("WebCodecs")
        page.driver.get("about:blank")


def test_of_several_rings_a_live_one_with_pictures_is_shown_first(alone: None, page: ChromiumPage, ring: str) -> None:
    with serving() as server, Producer(f"{ring}_a_empty"), playing_sound(f"{ring}_b_sound", "opus"):
        page.open(server.url("/"))
        page.wait(lambda: "b_sound" in page.text("rings"), "the rings are there")
        assert "b_sound (sound)" in page.text("rings")
        with camera(f"{ring}_z"):
            page.plays("WebCodecs")
            assert page.driver.current_url.endswith("_z")
        page.driver.get("about:blank")


def test_without_any_way_to_play_it_is_said_how_the_page_may_be_reached(
    page: ChromiumPage, guarded: Server, ring: str
) -> None:
    with page.with_script("delete window.MediaSource; delete window.ManagedMediaSource"), camera(ring):
        page.open(insecure(guarded, ring))
        page.says("no Media Source Extensions", f"ssh -L {guarded.port}:127.0.0.1:{guarded.port} camera.test")


def test_a_server_with_another_token_says_so(page: ChromiumPage, tmp_path: Path, ring: str) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    with serving("--host", "0.0.0.0", "--token-file", str(file)) as server:
        page.open(server.url(f"/?token={TOKEN}#{ring}", "camera.test"))
        page.says("There is no such ring")
    file.write_text("another-token")
    with serving("--host", "0.0.0.0", "--token-file", str(file), "--port", str(server.port)):
        page.says("open the address that vshm serve printed")
        page.driver.get("about:blank")
        page.errors()  # of connections that failed


def test_a_browser_too_many_is_told(page: ChromiumPage, server: Server, ring: str) -> None:
    async def crowd(session: aiohttp.ClientSession) -> None:
        sockets = [await session.ws_connect(server.url("/live")) for _ in range(MOST_VIEWERS)]
        await asyncio.to_thread(page.open, server.url(f"/#{ring}"))
        await asyncio.to_thread(page.says, f"{MOST_VIEWERS} streams are shown already: close a page")
        for socket in sockets:
            await socket.close()
        await asyncio.to_thread(page.says, "There is no such ring")

    in_session(crowd)


def test_the_page_waits_for_a_server_that_is_gone(page: ChromiumPage, ring: str) -> None:
    with camera(ring):
        with serving() as server:
            page.open(server.url(f"/#{ring}"))
            page.wait(lambda: page.shown > 0, "it plays")
        page.wait(lambda: "No connection" in page.text("message"), "it says that there is no connection")
        page.driver.get("about:blank")
        page.errors()  # of connections that failed


# Charts whose caption is wider than they are.
OVERFULL = """
    return [...document.querySelectorAll("figure")].filter((chart) => chart.scrollWidth > chart.clientWidth)
        .map((chart) => chart.innerText);"""


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_fits_and_comes_from_nowhere_else(
    page: ChromiumPage, server: Server, ring: str, size: tuple[int, int], tmp_path: Path
) -> None:
    page.size(*size)
    with camera(ring):
        page.open(server.url(f"/#{ring}"))
        page.plays("WebCodecs")
        page.wait(lambda: page.text("charts").count(" ms") >= 2, "latencies are told")
        page.driver.save_screenshot(str(tmp_path / "page.png"))
        assert page.driver.execute_script(OVERFULL) == []
        wide, seen = page.driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        loaded = page.driver.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert wide <= seen == size[0]
    files = {path.name for path in (ROOT / "vshm_ctypes/cli/web/static").iterdir()} - {"index.html"}
    assert {address.rpartition("/")[2] for address in loaded} - {"live"} <= files
    assert all(address.startswith(server.url("/")) for address in loaded if "/live" not in address)
