# SPDX-License-Identifier: Apache-2.0
"""The page of vshm serve as people use it: at any width, by the keyboard, with tiles, sound beside a picture, files."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import ChromiumPage
from layout import SIZES, overflowing
from serving import TOKEN, Server, camera
from unusual_streams import encoded, playing, playing_sound
from writers import wait_until

from vshm_ctypes import Codec, Consumer, Producer, inspect
from vshm_ctypes.processes import find_users

PLAIN = "bframes=0"
LONG = "_as_long_as_deployments_like_to_have_them_site_7_building_3_floor_2_corridor_east_camera_0042_main_stream"
COUNTS_SOUNDS = """
    const node = AudioBufferSourceNode.prototype, start = node.start;
    window.sounds = 0;
    node.start = function (...when) { window.sounds += 1; return start.apply(this, when); };"""


@pytest.fixture
def rings(ring: str) -> Iterator[str]:
    """A ring with pictures, and beside it one of each other kind, some with long names."""
    with contextlib.ExitStack() as there:
        there.enter_context(camera(ring))
        there.enter_context(playing(f"{ring}{LONG}", encoded(PLAIN)))
        for name in (f"{ring}_sound", f"{ring}_silent{LONG}"):  # there is a choice of them
            there.enter_context(playing_sound(name, "pcm"))
        there.enter_context(Producer(f"{ring}_empty"))
        yield ring


def script(page: ChromiumPage, text: str) -> Any:
    return page.driver.execute_script(text)


def press(page: ChromiumPage, *keys: str, into: str = "document.body") -> None:
    """Press a key as a person does who has that element in focus, where it does nothing else."""
    for key in keys:
        event = f"new KeyboardEvent('keydown', {{key: {json.dumps(key)}, bubbles: true, cancelable: true}})"
        script(page, f"{into}.dispatchEvent({event})")


def turn_to(page: ChromiumPage, address: str) -> None:
    script(page, f"location.hash = {address!r}")


# ---- how it looks ----


@pytest.mark.parametrize("zoom", ["100%", "200%"])
def test_nothing_is_wider_than_the_window(page: ChromiumPage, server: Server, rings: str, zoom: str) -> None:
    page.open(server.url(f"/#{rings}"))
    page.wait(lambda: page.shown > 0 and " ms" in page.text("charts"), "it plays")
    script(page, f"document.documentElement.style.fontSize = '{zoom}'")
    wide = overflowing(page)
    for address, sign in (("all", "tile"), (f"{rings}_sound", "sound"), (f"{rings}_empty", "message")):
        turn_to(page, address)
        seen = f"return [...document.querySelectorAll('#{sign}, .{sign}')].some((one) => one.checkVisibility())"
        page.wait(lambda seen=seen: script(page, seen), address)  # type: ignore[misc]
        wide |= overflowing(page)
    script(page, "document.getElementById('keys').click()")
    wide |= overflowing(page)
    assert wide == {}


def test_the_charts_stand_in_one_row_and_have_axes(page: ChromiumPage, server: Server, rings: str) -> None:
    page.size(*SIZES[0])
    page.open(server.url(f"/#{rings}"))
    read = "return [...document.querySelectorAll('svg')].map((one) => one.textContent)"
    empty = "0-60 s-30 snow"
    page.wait(lambda: all(len(marks) > len(empty) for marks in script(page, read)), "each chart has a line")
    tops = script(page, "return [...document.querySelectorAll('#charts figure')].map((one) => one.offsetTop)")
    assert len(tops) == 4
    assert len(set(tops)) == 1
    for marks in script(page, read):
        assert marks.startswith("0")
        assert marks.endswith(empty[1:])
    assert "25.0 fps now" not in script(page, "return document.querySelector('svg').ariaLabel")
    assert script(page, "return document.querySelector('svg').ariaLabel").startswith("Frame rate: ")


def test_the_picture_of_the_ring_before_is_not_left_on_screen(page: ChromiumPage, server: Server, rings: str) -> None:
    page.open(server.url(f"/#{rings}"))
    page.wait(lambda: page.shown > 0, "it plays")
    turn_to(page, f"{rings}_empty")
    page.says("Nothing was ever written")
    assert script(page, "return document.getElementById('canvas').checkVisibility()") is False
    assert page.text("key") == "-"


@pytest.mark.parametrize(
    ("largest", "marks"),
    [(25.2, [0, 10, 20, 30]), (1, [0, 0.5, 1]), (0.3, [0, 0.1, 0.2, 0.3]), (0, [0, 0.5]), (7e6, [0, 5e6, 1e7])],
)
def test_marks_are_round_numbers_up_to_the_largest(
    page: ChromiumPage, server: Server, largest: float, marks: list[float]
) -> None:
    page.open(server.url("/"))
    told = page.driver.execute_async_script(
        f"import('/static/axis.js').then(({{marks}}) => arguments[0](marks({largest})))"
    )
    assert told == marks


def test_a_line_has_a_gap_where_nothing_is_known(page: ChromiumPage, server: Server) -> None:
    points = [[0, 1], [1000, 2], [2000, None], [3000, 4], [20000, 5]]
    page.open(server.url("/"))
    told = page.driver.execute_async_script(f"""
        const points = {json.dumps(points)}.map(([at_ms, value]) => ({{at_ms, values: [value]}}));
        const values = (run) => run.map((one) => one.value);
        import('/static/axis.js').then(({{runs}}) => arguments[0](runs(points, 0).map(values)))""")
    assert told == [[1, 2], [4], [5]]


def test_what_was_measured_of_a_ring_is_there_when_one_returns_to_it(
    page: ChromiumPage, server: Server, rings: str
) -> None:
    # The points of the line of latencies.
    count = "return document.querySelectorAll('#charts path.line')[2].getAttribute('d').split(/[ML]/).length - 1"
    page.open(server.url(f"/#{rings}"))
    page.wait(lambda: script(page, count) >= 3, "some latencies are known")
    turn_to(page, f"{rings}_empty")
    page.wait(lambda: script(page, count) == 0, "of the other none is")
    turn_to(page, rings)
    page.wait(lambda: script(page, count) > 0, "some are there")
    assert script(page, count) >= 3, "those of before"


def test_it_is_said_how_a_reader_tells_its_counts(page: ChromiumPage, server: Server, ring: str) -> None:
    hidden = "return document.getElementById('untold').hidden"
    with camera(ring):
        page.open(server.url(f"/#{ring}"))
        page.wait(lambda: "pid" in page.text("readers"), "the page itself is a reader, and tells")
        assert script(page, hidden)
        with Consumer(ring):
            page.wait(lambda: not script(page, hidden), "another does not")
        with Consumer(ring, publish=True) as telling:
            telling.receive(60)
            page.wait(lambda: script(page, hidden) and page.text("readers").count("pid") == 2, "one that does")


# ---- tiles ----


def test_all_rings_play_side_by_side_and_one_opens(page: ChromiumPage, server: Server, rings: str) -> None:
    def tile(name: str) -> str:
        return f"document.querySelector('.tile[href=\"#{name.replace('/', '%2F')}\"]')"

    def plays_in(name: str) -> bool:
        canvas = f"{tile(name)}.querySelector('canvas')"
        return bool(script(page, f"return !{canvas}.hidden && {canvas}.width !== 300"))

    def are_there() -> bool:  # beside those of other tests
        names = (rings, rings + LONG, f"{rings}_empty", f"{rings}_sound")
        return all(script(page, f"return Boolean({tile(name)})") for name in names)

    page.open(server.url("/#all"))
    page.wait(are_there, "all are there")
    page.wait(lambda: plays_in(rings) and plays_in(rings + LONG), "they play")
    page.wait(
        lambda: "Nothing was ever written" in script(page, f"return {tile(rings + '_empty')}.textContent"), "said"
    )
    assert "Sound" in script(page, f"return {tile(rings + '_sound')}.textContent")
    script(page, f"{tile(rings)}.focus(); {tile(rings)}.click()")
    page.plays("WebCodecs")
    page.wait(lambda: not script(page, "return document.querySelectorAll('.tile').length"), "the tiles are gone")
    assert script(page, "return document.activeElement.textContent") == rings[1:]
    assert rings[1:] in page.driver.title


# ---- sound ----


def choose_sound(page: ChromiumPage, ring: str) -> None:
    """Choose the ring whose sound is to be heard, once it is offered beside those of other tests."""
    choose = "const choice = document.getElementById('hear-ring'); choice.value = arguments[0]; return choice.value"
    page.wait(lambda: bool(page.driver.execute_script(choose, ring) == ring), "it is offered")


def test_sound_of_another_ring_is_heard_beside_the_picture(page: ChromiumPage, server: Server, rings: str) -> None:
    with page.with_script(COUNTS_SOUNDS):
        page.open(server.url(f"/#{rings}"))
        page.wait(lambda: page.shown > 0, "it plays")
        choose_sound(page, f"{rings}_sound")
        page.click("hear")
        page.wait(lambda: script(page, "return window.sounds") > 5, "it is heard")
        shown = page.shown
        page.wait(lambda: page.shown > shown + 5, "the picture goes on")
        page.click("snapshot")
        page.wait(lambda: page.text("told").startswith("Saved "), "a snapshot is told")
        sounds = script(page, "return window.sounds")
        page.wait(lambda: script(page, "return window.sounds") > sounds + 60, "a second later")
        assert page.text("told").startswith("Saved "), "it is still there"
        page.click("hear")
        assert script(page, "return document.getElementById('hear').ariaPressed") == "false"
        page.click("hear")
        turn_to(page, f"{rings}_sound")
        page.wait(lambda: page.text("listen") == "Stop" and page.shown > 5, "it goes on in the ring of its own")
        page.wait(lambda: not script(page, "return document.getElementById('hear').checkVisibility()"), "once")
        turn_to(page, rings)
        sound = inspect(f"{rings}_sound").identity
        wait_until(
            lambda: server.process.pid not in [user.pid for user in find_users().of(sound)],
            "nobody is sent it any more",
        )


def test_the_ring_that_is_heard_stays_chosen_when_its_writer_ends(
    page: ChromiumPage, server: Server, rings: str
) -> None:
    ours = f"{rings}_brief"
    page.open(server.url(f"/#{rings}"))
    with playing_sound(ours, "pcm"):
        choose_sound(page, ours)
        page.click("hear")
        page.wait(
            lambda: bool(script(page, "return document.getElementById('hear').ariaPressed === 'true'")), "it is on"
        )
        page.wait(lambda: server.process.pid in [user.pid for user in find_users().of(inspect(ours).identity)], "sent")
    page.wait(lambda: page.text("told").startswith("Sound: "), "its end is told")
    listed = f"return [...document.querySelectorAll('#rings a')].some((one) => one.dataset.name === '{ours}')"
    page.wait(lambda: not script(page, listed), "it is not in the list any more")
    assert script(page, "return document.getElementById('hear-ring').value") == ours


def test_a_ring_in_the_address_needs_no_slash(page: ChromiumPage, server: Server, rings: str) -> None:
    page.open(server.url(f"/#{rings[1:]}"))
    page.wait(lambda: page.shown > 0 and " ms" in page.text("charts"), "it plays, with its figures")
    current = "return document.querySelector('#rings [aria-current]')?.dataset.name"
    page.wait(lambda: script(page, current) == rings, "it is the one in the list")


# ---- the keyboard ----


def test_every_key_that_is_listed_does_what_it_says(page: ChromiumPage, server: Server, rings: str) -> None:
    page.open(server.url(f"/#{rings}"))
    page.wait(lambda: page.shown > 0 and "empty" in page.text("rings"), "it plays, and knows the others")
    press(page, "?")
    assert script(page, "return document.getElementById('help').open")
    listed = script(page, "return [...document.querySelectorAll('kbd')].map((one) => one.textContent)")
    assert listed == ["←", "→", "A", "M", "F", "S", "?", "Esc"]
    press(page, "ArrowRight")
    assert script(page, "return document.getElementById('help').open && location.hash") == f"#{rings}"
    script(page, "document.getElementById('help').close()")
    press(page, "ArrowRight")
    wait_until(lambda: page.driver.current_url.endswith(LONG), "the next ring")
    press(page, "ArrowLeft")
    wait_until(lambda: page.driver.current_url.endswith(rings[1:]), "the one before")
    press(page, "A")
    wait_until(lambda: page.driver.current_url.endswith("#all"), "all")
    press(page, "a")
    wait_until(lambda: page.driver.current_url.endswith(rings[1:]), "and back")
    press(page, "m")
    assert script(page, "return document.getElementById('hear').ariaPressed") == "true"
    press(page, "m")
    assert script(page, "return document.getElementById('hear').ariaPressed") == "false"


def test_no_key_acts_in_a_field_beside_a_modifier_or_when_they_are_off(
    page: ChromiumPage, server: Server, rings: str
) -> None:
    page.open(server.url(f"/#{rings}"))
    page.wait(lambda: page.shown > 0, "it plays")
    address = page.driver.current_url
    press(page, "a", "ArrowRight", "?", into="document.getElementById('hear-ring')")
    press(page, "a", into="document.body.appendChild(document.createElement('input'))")
    script(page, "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', ctrlKey: true, bubbles: true}))")
    script(page, "document.getElementById('keys-on').click()")
    press(page, "a", "?")
    assert page.driver.current_url == address
    assert not script(page, "return document.getElementById('help').open")
    page.open(server.url(f"/#{rings}"))
    assert not script(page, "return document.getElementById('keys-on').checked"), "it is kept"
    script(page, "document.getElementById('keys-on').click()")
    press(page, "a")
    wait_until(lambda: page.driver.current_url.endswith("#all"), "it acts again")


# ---- files ----


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize(("codec", "ending"), [(Codec.H264, "png"), (Codec.JPEG, "jpg")])
def test_a_snapshot_is_saved_as_it_is_seen(
    page: ChromiumPage,
    server: Server,
    guarded: Server,
    ring: str,
    tmp_path: Path,
    codec: Codec,
    ending: str,
    secure: bool,
) -> None:
    import av

    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.open(server.url(f"/#{ring}") if secure else guarded.url(f"/?token={TOKEN}#{ring}", "camera.test"))
    page.says("There is no such ring")
    assert script(page, "return document.getElementById('snapshot').disabled")
    with camera(ring, codec):
        page.wait(lambda: page.shown > 0, "it plays")
        page.click("snapshot")
        wait_until(lambda: [*tmp_path.glob(f"*.{ending}")] != [], "the file is there")
    (path,) = tmp_path.glob(f"{ring[1:]}-*.{ending}")
    assert path.name in page.text("told")
    with av.open(str(path)) as picture:
        (shown,) = picture.decode(video=0)
    assert (shown.width, shown.height) == (64, 48)
    complaints = page.errors()  # some Chromium says of any file from a page without https that it should have that
    assert [one for one in complaints if secure or "insecure connection" not in one] == []


def test_the_picture_fills_the_screen_and_returns(page: ChromiumPage, server: Server, ring: str) -> None:
    filled = "return document.fullscreenElement?.id ?? ''"
    with camera(ring):
        page.open(server.url(f"/#{ring}"))
        page.wait(lambda: page.shown > 0, "it plays")
        page.click("fullscreen")
        page.wait(lambda: script(page, filled) == "picture", "it fills the screen")
        shown = page.shown
        page.wait(lambda: page.shown > shown + 5, "it goes on")
        press(page, "f")
        page.wait(lambda: script(page, filled) == "", "it returns")
