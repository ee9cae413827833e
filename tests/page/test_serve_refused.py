# SPDX-License-Identifier: Apache-2.0
"""What the page of vshm serve says where it is refused, by the device or by what is between; and of odd addresses."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser import ChromiumPage
from selenium.webdriver.common.keys import Keys
from serving import Server, camera
from writers import ROOT

from vshm_ctypes import Producer

STATIC = ROOT / "vshm_ctypes" / "cli" / "web" / "static"
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
# No wait of the page lasts; those that it wanted are kept.
HURRIED = """
    window.waits_ms = [];
    const later = window.setTimeout;
    window.setTimeout = (run, wait_ms) => { window.waits_ms.push(wait_ms); return later(run, 10); };"""


@contextmanager
def between(status: int, kind: str = "text/html", body: str = "<b>no</b>", **headers: str) -> Iterator[str]:
    """Run a proxy that hands on the page, but gives an answer of its own when the WebSocket is asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/static/") if self.path != "/" else "index.html"
            if (STATIC / name).is_file():
                self.answer(200, KINDS[name.rpartition(".")[2]], (STATIC / name).read_bytes())
            else:
                self.do_POST()

        def do_POST(self) -> None:
            self.answer(status, kind, body.encode(), **headers)

        def answer(self, status: int, kind: str, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/#some_ring"
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 401, "kind": "text/plain", "body": "a token is missing"}, "a token is missing"),
        ({"status": 403}, "This page is refused (403). Open the address that vshm serve printed"),
        ({"status": 426}, "lets no WebSocket pass: let the proxy hand on Upgrade"),
        ({"status": 429}, "too many requests, or a proxy does not find vshm serve (429)"),
        ({"status": 502}, "vshm serve does not (502): is it running?"),
        ({"status": 404}, "Something else than vshm serve answers at this address (404)"),
        ({"status": 200}, "a network's login page"),
        ({"status": 302, "Location": "http://login.example/"}, "a network's login page"),
    ],
    ids=lambda one: str(one["status"]) if isinstance(one, dict) else "",
)
def test_a_refusal_is_said_in_words_and_tried_again(page: ChromiumPage, answer: dict[str, str], words: str) -> None:
    with between(**answer) as url:  # type: ignore[arg-type]
        page.open(url)
        page.says("No connection to the device", words, "Trying again")
        page.driver.get("about:blank")
        page.errors()  # of connections that failed


def test_it_is_tried_again_ever_more_seldom(page: ChromiumPage) -> None:
    with between(502) as url, page.with_script(HURRIED):
        page.open(url)
        waits = "return window.waits_ms.filter((wait_ms) => wait_ms >= 500)"
        page.wait(lambda: len(page.driver.execute_script(waits)) >= 8, "it tries again")
        waits_ms = page.driver.execute_script(waits)[:8]
        page.driver.get("about:blank")
        page.errors()
    for count, wait_ms in enumerate(waits_ms):
        usual_ms = min(1000 * 2**count, 15000)
        assert 0.8 * usual_ms <= wait_ms <= 1.2 * usual_ms


def test_what_a_content_security_policy_forbids_is_said(page: ChromiumPage, server: Server) -> None:
    page.open(server.url("/#some_ring"))
    page.driver.execute_script("const image = new Image(); image.src = 'http://elsewhere.example/x.png';")
    page.says("forbids img-src", "pass on the page's own Content-Security-Policy")
    page.errors()


def test_a_page_whose_scripts_do_not_run_says_so() -> None:
    assert "does not run this page's scripts" in (STATIC / "index.html").read_text()


@pytest.mark.parametrize(
    "name",
    ["%E0%A4%A", "%00", "%0A", "x" * 20_000, "<img src=x onerror=alert(1)>", "..%2Fetc", "no_such_ring"],
    ids=lambda name: name[:12],
)
def test_no_address_stops_the_page(page: ChromiumPage, server: Server, ring: str, name: str) -> None:
    with camera(ring):
        page.open(server.url(f"/#{name}"))
        page.wait(lambda: page.text("message") not in ("", "Connecting ..."), "it says what is wrong")
        assert "No connection" not in page.text("message")
        assert page.driver.execute_script("return document.querySelectorAll('#message > *').length") == 0
        page.wait(lambda: ring[1:] in page.text("rings"), "the rings are listed")
        page.driver.execute_script(f"document.querySelector('#rings a[data-name=\"{ring}\"]').click()")
        page.wait(lambda: page.shown > 0 and not page.complaint, "it plays")


def focused(page: ChromiumPage) -> str:
    """Return the ring whose link has the keyboard."""
    return str(page.driver.execute_script("return document.activeElement.dataset.name ?? ''"))


def tab_to(page: ChromiumPage, ring: str) -> None:
    def tab() -> bool:
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        return focused(page) == ring

    page.wait(lambda: ring[1:] in page.text("rings"), "the ring is listed")
    page.wait(tab, "the keyboard comes to it")


def test_the_keyboard_alone_chooses_a_ring(page: ChromiumPage, server: Server, ring: str) -> None:
    with camera(f"{ring}_a"), camera(f"{ring}_c"):
        page.open(server.url(f"/#{ring}_a"))
        tab_to(page, f"{ring}_c")
        with Producer(f"{ring}_b"):
            page.wait(lambda: f"{ring[1:]}_b" in page.text("rings"), "another ring is there")
            assert focused(page) == f"{ring}_c"
            remove(f"{ring}_b")
        page.wait(lambda: f"{ring[1:]}_b" not in page.text("rings"), "it is gone")
        assert focused(page) == f"{ring}_c"
        page.driver.switch_to.active_element.send_keys(Keys.ENTER)
        page.wait(lambda: page.driver.current_url.endswith("_c") and page.shown > 0, "it plays the other")
        assert page.driver.execute_script("return document.getAnimations().length") == 0


@pytest.mark.parametrize("stays", ["a", "c"])
def test_the_keyboard_keeps_its_place_where_a_ring_goes(
    page: ChromiumPage, server: Server, ring: str, stays: str
) -> None:
    with Producer(f"{ring}_{stays}"), Producer(f"{ring}_b"):
        page.open(server.url(f"/#{ring}_{stays}"))
        tab_to(page, f"{ring}_b")
        remove(f"{ring}_b")
        page.wait(lambda: f"{ring[1:]}_b" not in page.text("rings"), "it is gone")
        assert focused(page) != ""


def remove(ring: str) -> None:
    Path(f"/dev/shm{ring}").unlink()
