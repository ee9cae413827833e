# SPDX-License-Identifier: Apache-2.0
"""The page of vshm serve stays at live: on a slow machine, in the background, after sleep, where a video is paused."""

import tempfile
from pathlib import Path

import pytest
from browser import ChromiumPage, Page
from firefox import FIREFOX, FirefoxPage, firefox
from serving import TOKEN, Server, camera
from socket_browser import Browser, browse
from unusual_streams import encoded, playing, playing_sound

from vshm_ctypes import Codec

# A decoder that takes five pictures a second.
SLOW_DECODER = """
    const Decoder = window.VideoDecoder;
    window.most = 0; // pictures that waited
    window.VideoDecoder = class {
        static isConfigSupported(config) { return Decoder.isConfigSupported(config); }
        constructor(told) {
            this.waiting = [];
            this.decoder = new Decoder(told);
            this.timer = setInterval(() => this.take(), 200);
        }
        take() { if (this.waiting.length) this.decoder.decode(this.waiting.shift()); }
        get state() { return this.decoder.state; }
        get decodeQueueSize() { return this.waiting.length; }
        configure(config) { this.decoder.configure(config); }
        decode(chunk) {
            this.waiting.push(chunk);
            window.most = Math.max(window.most, this.waiting.length);
        }
        close() { clearInterval(this.timer); this.decoder.close(); }
    };"""
COUNTED_SOCKETS = """
    window.opened = 0;
    window.WebSocket = class extends WebSocket {
        constructor(...told) { super(...told); window.opened += 1; }
    };"""
REFUSED_PLAY = """
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
        if (window.tapped) return play.call(this);
        this.pause();
        return Promise.reject(new DOMException("not by itself", "NotAllowedError"));
    };
    addEventListener("click", () => { window.tapped = true; }, true);"""
ONLY_MANAGED = """
    window.ManagedMediaSource = window.MediaSource;
    delete window.MediaSource;
    for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, { get() { throw new DOMException("not here", "SecurityError"); } });
    }"""


def by_fragments(guarded: Server, ring: str) -> str:
    """Return the page's address as another machine has it."""
    return guarded.url(f"/?token={TOKEN}#{ring}", "camera.test")


def is_hidden(page: Page, name: str) -> bool:
    return bool(page.driver.execute_script(f"return document.getElementById('{name}').hidden"))


def goes_on(page: Page) -> None:
    shown = page.shown
    page.wait(lambda: page.shown > shown + 10, "it goes on")


def test_what_a_slow_decoder_is_given_is_bounded_and_what_it_skips_is_told(
    page: ChromiumPage, server: Server, ring: str
) -> None:
    def skipped() -> int:
        return int(page.text("skipped").replace("-", "0"))

    with page.with_script(SLOW_DECODER), camera(ring):
        page.open(server.url(f"/#{ring}"))
        page.says("some are skipped")
        begin = skipped()
        page.wait(lambda: skipped() > begin, "it is counted")
        page.driver.execute_script("window.most = 0")
        begin, shown = skipped(), page.shown
        page.wait(lambda: skipped() > begin + 100 and page.shown > shown + 5, "it plays on, and skips")
        assert page.driver.execute_script("return window.most") < 10
        page.wait(lambda: "127.0.0.1" in page.text("readers"), "it is a reader by name")


def test_jpeg_that_a_browser_is_too_slow_for_is_told(page: ChromiumPage, server: Server, ring: str) -> None:
    slow = """
        const make = window.createImageBitmap;
        window.createImageBitmap = async (blob) => {
            await new Promise((done) => setTimeout(done, 200));
            return make(blob);
        };"""
    with page.with_script(slow), camera(ring, Codec.JPEG):
        page.open(server.url(f"/#{ring}"))
        page.wait(
            lambda: page.shown > 3 and int(page.text("skipped").replace("-", "0")) > 3 * page.shown, "it is counted"
        )


def test_a_page_that_was_frozen_or_kept_for_the_way_back_is_at_live_again(
    page: ChromiumPage, server: Server, ring: str
) -> None:
    async def nobody_looks(browser: Browser) -> None:
        def readers() -> list[object]:
            told = browser.of("overview")[-1:]
            rings = told[0]["rings"] if told else []
            return [reader for one in rings if one["name"] == ring for reader in one["readers"] if "viewer" in reader]

        await browser.until(lambda: bool(browser.of("overview")) and not readers())

    with camera(ring):
        page.open(server.url(f"/#{ring}"))
        page.wait(lambda: page.shown > 0, "it plays")
        page.driver.execute_script("document.dispatchEvent(new Event('freeze'))")
        browse(server, "", nobody_looks)
        shown = page.shown
        page.driver.execute_script("document.dispatchEvent(new Event('resume'))")
        page.wait(lambda: page.shown > shown, "it plays again")
        for leaves, comes in (("pagehide", "pageshow"),):
            page.driver.execute_script(
                f"window.dispatchEvent(new PageTransitionEvent('{leaves}', {{persisted: true}}))"
            )
            browse(server, "", nobody_looks)
            page.driver.execute_script(f"window.dispatchEvent(new PageTransitionEvent('{comes}', {{persisted: true}}))")
            goes_on(page)
        assert not page.complaint


@pytest.mark.parametrize("event", ["dispatchEvent(new Event('focus'))", ""], ids=["focus", "a message"])
def test_a_page_that_slept_connects_anew(page: ChromiumPage, server: Server, ring: str, event: str) -> None:
    """Whatever it is that comes first when it wakes, also what was on its way before."""
    with page.with_script(COUNTED_SOCKETS), camera(ring):
        page.open(server.url(f"/#{ring}"))
        page.wait(lambda: page.shown > 0, "it plays")
        sleep = "const now = Date.now; Date.now = () => now() + 60000;"
        opened = page.driver.execute_script(f"{sleep} const opened = window.opened; {event}; return opened")
        page.wait(lambda: page.driver.execute_script("return window.opened") > opened, "it connects anew")
        page.wait(lambda: not page.complaint, "it is in")
        goes_on(page)


@pytest.mark.parametrize("pace", [20, -20], ids=["time", "clock set back"])
def test_a_device_that_says_nothing_any_more_is_left(page: ChromiumPage, server: Server, ring: str, pace: int) -> None:
    mute = "window.WebSocket = class extends WebSocket { set onmessage(_) {} };"
    sooner = f"const now = Date.now, begin = now(); Date.now = () => begin + {pace} * (now() - begin);"
    with page.with_script(mute + sooner):
        page.open(server.url(f"/#{ring}"))
        page.says("No connection", "told nothing")


@pytest.mark.parametrize("source", ["", ONLY_MANAGED], ids=["any", "iPhone"])
def test_a_video_that_is_paused_is_started_again_and_one_paused_often_asks_for_a_tap(
    page: ChromiumPage, guarded: Server, ring: str, source: str
) -> None:
    with page.with_script(source), camera(ring):
        page.open(by_fragments(guarded, ring))
        page.plays("Media Source Extensions")
        page.driver.execute_script("document.getElementById('video').pause()")
        goes_on(page)
        assert is_hidden(page, "tap")
        page.wait(lambda: pause(page) and not is_hidden(page, "tap"), "it asks for a tap")
        page.click("tap")
        page.wait(lambda: is_hidden(page, "tap"), "it is tapped")
        goes_on(page)


def pause(page: ChromiumPage) -> bool:
    page.driver.execute_script("document.getElementById('video').pause()")
    return True


def test_a_browser_that_does_not_begin_by_itself_asks_for_a_tap(page: ChromiumPage, guarded: Server, ring: str) -> None:
    with page.with_script(REFUSED_PLAY), camera(ring):
        page.open(by_fragments(guarded, ring))
        page.wait(lambda: not is_hidden(page, "tap"), "it asks for a tap")
        page.click("tap")
        page.plays("Media Source Extensions")
        assert is_hidden(page, "tap")


# As a browser does that wants a gesture first, or while a call has the loudspeaker.
HELD_SOUND = """
    window.AudioContext = class extends AudioContext {
        get state() { return window.isHeld ? "suspended" : super.state; }
    };
    window.isHeld = true;"""


def test_sound_that_the_browser_holds_back_can_be_listened_to_again(
    page: ChromiumPage, server: Server, ring: str
) -> None:
    with page.with_script(HELD_SOUND), playing_sound(ring, "pcm"):
        page.open(server.url(f"/#{ring}"))
        page.wait(lambda: page.text("what") != "", "it says what it is")
        page.click("listen")
        page.wait(lambda: page.shown > 0 and page.text("listen") == "Listen", "it is not heard")
        # At once: a page that finds out by itself that it is heard would take the click for "Stop".
        page.driver.execute_script("window.isHeld = false; document.getElementById('listen').click()")
        page.wait(lambda: page.shown > 20 and page.text("listen") == "Stop", "it is heard")


def test_what_waits_in_a_slow_decoder_of_sound_is_bounded(page: ChromiumPage, server: Server, ring: str) -> None:
    stuck = """
        window.most = 0;
        window.AudioDecoder = class {
            state = "configured";
            decodeQueueSize = 0;
            configure() {}
            decode() { window.most = Math.max(window.most, ++this.decodeQueueSize); }
            close() {}
        };"""
    with page.with_script(stuck), playing_sound(ring, "opus"):
        page.open(server.url(f"/#{ring}"))
        page.wait(lambda: page.text("what") != "", "it says what it is")
        page.click("listen")
        page.wait(lambda: int(page.text("skipped").replace("-", "0")) > 50, "it is counted")
        assert page.driver.execute_script("return window.most") < 30


@pytest.mark.skipif(FIREFOX is None, reason="needs Firefox: ci/bootstrap base web")
def test_firefox_that_blocks_all_media_asks_for_a_tap(guarded: Server, ring: str) -> None:
    blocked = {"media.autoplay.default": 5}
    with (
        playing(ring, encoded("bframes=0")),
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        firefox(Path(folder), blocked) as driver,
    ):
        page = FirefoxPage(driver)
        page.open(by_fragments(guarded, ring))
        page.wait(lambda: not is_hidden(page, "tap"), "it asks for a tap")
        page.click("tap")
        page.wait(lambda: page.shown > 10 and is_hidden(page, "tap"), "it plays")
        assert page.errors() == []
