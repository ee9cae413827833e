# SPDX-License-Identifier: Apache-2.0
"""The page of vshm serve where the machine that shows it is slow: it stays less than a second behind."""

from browser import ChromiumPage
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


def by_fragments(guarded: Server, ring: str) -> str:
    """As another machine has the page."""
    return guarded.url(f"/?token={TOKEN}#{ring}", "camera.test")


def test_all_that_waits_is_taken_at_once(page: ChromiumPage, guarded: Server, ring: str) -> None:
    with page.with_script(SLOW_TO_TAKE), camera(ring):
        page.open(by_fragments(guarded, ring))
        page.wait(lambda: page.driver.execute_script("return window.pieces.length") >= 8, "it takes some")
        assert page.driver.execute_script("return Math.max(...window.pieces)") > 5


def test_a_video_that_is_behind_is_played_faster_until_it_is_not(
    page: ChromiumPage, guarded: Server, ring: str
) -> None:
    def behind_s() -> float:
        script = "const video = document.getElementById('video'), { buffered } = video; "
        return float(
            page.driver.execute_script(f"{script}return buffered.end(buffered.length - 1) - video.currentTime")
        )

    with camera(ring):
        page.open(by_fragments(guarded, ring))
        page.plays("Media Source Extensions")
        page.driver.execute_script("document.getElementById('video').currentTime -= 0.4")
        page.wait(lambda: behind_s() < 0.15, "it has caught up")
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
