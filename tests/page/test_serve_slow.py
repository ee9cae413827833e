# SPDX-License-Identifier: Apache-2.0
"""The page of vshm serve where the machine that shows it is slow: it stays less than a second behind."""

from typing import Any

from browser import TOO_SLOW, ChromiumPage
from serving import TOKEN, Server, camera

# A browser that takes half a second for whatever it is given at once; pieces: of the stream, in each.
SLOW_TO_TAKE = """
    window.pieces = [];
    const { appendBuffer: append } = SourceBuffer.prototype;
    const updating = Object.getOwnPropertyDescriptor(SourceBuffer.prototype, "updating");
    SourceBuffer.prototype.appendBuffer = function (data) {
        window.pieces.push(new TextDecoder("latin1").decode(data).split("moof").length - 1);
        this.held = true;
        setTimeout(() => { this.held = false; append.call(this, data); }, 500);
    };
    Object.defineProperty(SourceBuffer.prototype, "updating", {
        get() { return this.held || updating.get.call(this); },
    });"""
# After beLate(), each message comes 0.4 s later than it did, and so does each picture out of the decoder. Two seconds
# on, when those from before are through, those that came out of it are counted, and those of them that were drawn.
LATE = """
    Object.assign(window, { lateMs: 0, decoded: -1, drawn: 0 });
    window.beLate = () => {
        window.lateMs = 400;
        setTimeout(() => Object.assign(window, { decoded: 0, drawn: 0 }), 2000);
    };
    window.WebSocket = class extends WebSocket {
        set onmessage(take) { super.onmessage = take && ((event) => setTimeout(take, window.lateMs, event)); }
    };
    const { drawImage: draw } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.drawImage = function (...told) { window.drawn += 1; draw.apply(this, told); };
    if (window.VideoDecoder) window.VideoDecoder = class extends VideoDecoder {
        constructor({ output, error }) {
            const put = (frame) => {
                if (window.decoded >= 0) window.decoded += 1;
                output(frame);
            };
            super({ output: (frame) => setTimeout(put, window.lateMs, frame), error });
        }
    };"""

# A browser for which a jump to the newest picture does not help: it is behind again at once.
JUMPS_IN_VAIN = """
    const time = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "currentTime");
    Object.defineProperty(HTMLMediaElement.prototype, "currentTime", {
        get() { return time.get.call(this); },
        set(at) { time.set.call(this, Math.max(at - 1, 0)); },
    });"""
# Of what a slow browser is given: pictures of 10 ms, a keyframe each tenth. feed(count) hands over so many more, and
# take() tells the count, the first and the offset of what is to be appended now.
FEEDING = """
    const [done] = [arguments[arguments.length - 1]];
    import("/static/feeding.js").then(({ Feeding }) => {
        let now_ms = 0, number = 0, skipped = 0;
        performance.now = () => now_ms;
        const feeding = new Feeding({ skipped(count) { skipped += count; }, note() {} }, false);
        const feed = (count) => {
            for (; count > 0; count -= 1, number += 1) {
                const isKeyframe = number % 10 === 0;
                feeding.put({ number, time_ms: number * 10, isKeyframe, data: new Uint8Array([number]) });
            }
        };
        const take = () => {
            const next = feeding.take();
            return next ? [next.data.length, next.data[0], Math.round(next.offset_s * 1000)] : null;
        };
        feeding.begin({ time_ms: 0 });
        SCRIPT
    }).catch((error) => done(String(error)));"""


def by_fragments(guarded: Server, ring: str) -> str:
    """Return the page's address as another machine has it."""
    return guarded.url(f"/?token={TOKEN}#{ring}", "camera.test")


def behind_s(page: ChromiumPage) -> float:
    """Return how far the shown picture is behind the end of what the browser has."""
    script = "const video = document.getElementById('video'), { buffered } = video; "
    return float(page.driver.execute_script(f"{script}return buffered.end(buffered.length - 1) - video.currentTime"))


def test_all_that_waits_is_taken_at_once(page: ChromiumPage, guarded: Server, ring: str) -> None:
    with page.with_script(SLOW_TO_TAKE), camera(ring):
        page.open(by_fragments(guarded, ring))
        page.wait(lambda: page.driver.execute_script("return window.pieces.length") >= 8, "it takes some")
        assert page.driver.execute_script("return Math.max(...window.pieces)") > 5


def test_a_video_that_is_behind_is_played_faster_until_it_is_not(
    page: ChromiumPage, guarded: Server, ring: str
) -> None:
    with camera(ring):
        page.open(by_fragments(guarded, ring))
        page.plays("Media Source Extensions")
        page.driver.execute_script("document.getElementById('video').currentTime -= 0.4")
        page.wait(lambda: behind_s(page) < 0.15, "it has caught up")
        page.wait(lambda: page.driver.execute_script("return document.getElementById('video').playbackRate") == 1, "so")


def test_a_picture_that_is_late_by_its_way_and_the_decoder_is_not_shown_where_there_is_a_newer_one(
    page: ChromiumPage, server: Server, ring: str
) -> None:
    with page.with_script(LATE), camera(ring):
        page.open(server.url(f"/#{ring}"))
        page.plays("WebCodecs")
        page.driver.execute_script("window.beLate()")
        page.wait(lambda: page.driver.execute_script("return window.decoded >= 100"), "they come out of the decoder")
        decoded, drawn = page.driver.execute_script("return [window.decoded, window.drawn]")
    assert 0 < drawn < decoded / 2


def fed(page: ChromiumPage, server: Server, script: str) -> Any:
    """Return what the script hands to done()."""
    page.open(server.url("/"))
    return page.driver.execute_async_script(FEEDING.replace("SCRIPT", script))


def test_a_browser_that_is_quick_enough_is_given_all(page: ChromiumPage, server: Server) -> None:
    assert fed(page, server, "feed(25); done([take(), take(), skipped]);") == [[25, 0, 0], None, 0]


def test_a_slow_browser_is_given_no_more_than_it_is_about_to_show(page: ChromiumPage, server: Server) -> None:
    script = (
        "feeding.slowDown(); feed(9); const first = [take(), take()]; feeding.seen(0.011); done([...first, take()]);"
    )
    assert fed(page, server, script) == [[3, 0, 0], None, [2, 3, 0]]


def test_what_a_slow_browser_can_not_show_in_time_is_left_out_up_to_the_next_keyframe_and_without_a_gap(
    page: ChromiumPage, server: Server
) -> None:
    script = """
        feeding.slowDown();
        feed(5);
        const first = take();
        feeding.seen(0.021);
        now_ms += 300;
        feed(5);
        const nothing = take();
        feed(4);
        done([first, nothing, skipped, take(), feeding.at(0.05).number, feeding.enter_s ?? null]);"""
    # 3 to 9 are left out; 10, which is of 100 ms, comes 30 ms after what was seen, and is found by that time.
    assert fed(page, server, script) == [[3, 0, 0], None, 7, [3, 10, -49], 10, None]


def test_what_a_slow_browser_holds_too_long_is_jumped_over(page: ChromiumPage, server: Server) -> None:
    script = """
        feeding.slowDown();
        feed(3);
        take();
        now_ms += 600;
        feed(9);
        done([take(), feeding.enter_s]);"""
    assert fed(page, server, script) == [[1, 10, -50], 0.055]


def test_a_gap_that_the_device_has_left_is_closed_too(page: ChromiumPage, server: Server) -> None:
    script = """
        feeding.slowDown();
        feed(3);
        take();
        feeding.seen(0.021);
        number = 30;
        feed(1);
        done(take());"""
    assert fed(page, server, script) == [1, 30, -249]


def test_a_video_that_jumping_does_not_help_comes_back_to_live(page: ChromiumPage, guarded: Server, ring: str) -> None:
    with page.with_script(JUMPS_IN_VAIN), camera(ring):
        page.open(by_fragments(guarded, ring))
        page.wait(lambda: page.shown > 25, "it plays")
        page.driver.execute_script("document.getElementById('video').currentTime -= 0.4")
        page.says(TOO_SLOW)
        page.wait(lambda: behind_s(page) < 0.3, "it has caught up")
        shown = page.shown
        page.wait(lambda: page.shown > shown + 25, "it plays on")
        page.wait(lambda: page.text("message") == "", "it is slow no more")
