# SPDX-License-Identifier: Apache-2.0
"""The page of vshm serve behind a proxy that has it below a path of its own, as one name for several services."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from aiohttp import web
from browser import ChromiumPage
from serving import TOKEN, Server, camera, in_session

BELOW = "/cameras/front/"


async def _hand_on_messages(
    one: aiohttp.ClientWebSocketResponse | web.WebSocketResponse,
    other: aiohttp.ClientWebSocketResponse | web.WebSocketResponse,
) -> None:
    async for message in one:
        await (other.send_str if message.type == aiohttp.WSMsgType.TEXT else other.send_bytes)(message.data)
    await other.close()


async def _hand_on(request: web.Request, session: aiohttp.ClientSession, to: str) -> web.StreamResponse:
    url = to + request.path_qs.removeprefix(BELOW)
    kept = {name: request.headers[name] for name in ("Host", "Cookie", "Origin") if name in request.headers}
    if request.headers.get("Upgrade") == "websocket":
        async with session.ws_connect(url, headers=kept) as inner:
            outer = web.WebSocketResponse()
            await outer.prepare(request)
            await asyncio.gather(_hand_on_messages(inner, outer), _hand_on_messages(outer, inner))
            return outer
    async with session.request(request.method, url, headers=kept, allow_redirects=False) as answer:
        told = {
            name: answer.headers[name] for name in ("Content-Type", "Location", "Set-Cookie") if name in answer.headers
        }
        return web.Response(status=answer.status, body=await answer.read(), headers=told)


@contextmanager
def proxy(server: Server) -> Iterator[str]:
    """Run a proxy that hands on what is asked below a path, and nothing else. Yields the address of that path."""
    loop, port = asyncio.new_event_loop(), 0

    async def begin() -> web.AppRunner:
        nonlocal port
        session = aiohttp.ClientSession()
        app = web.Application()

        async def answer(request: web.Request) -> web.StreamResponse:
            return await _hand_on(request, session, server.url("/"))

        app.router.add_route("*", BELOW + "{rest:.*}", answer)
        app.on_cleanup.append(lambda _: session.close())
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        return runner

    runner = loop.run_until_complete(begin())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}{BELOW}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_the_page_plays_below_a_path(page: ChromiumPage, guarded: Server, ring: str) -> None:
    with camera(ring), proxy(guarded) as below:
        page.open(f"{below}?token={TOKEN}#{ring}")
        page.wait(lambda: page.shown > 10, "it plays")
        assert page.driver.current_url == f"{below}#{ring}"
        page.driver.get("about:blank")


def test_a_refusal_is_told_below_a_path(page: ChromiumPage, guarded: Server) -> None:
    with proxy(guarded) as below:
        page.open(f"{below}?token={TOKEN}#some_ring")
        page.driver.delete_all_cookies()
        page.driver.execute_script("location.reload()")
        page.wait(lambda: "a token is missing" in page.driver.page_source, "it is refused")
        page.driver.get("about:blank")
        page.errors()


def test_a_proxy_that_hands_on_another_host_is_told_what_to_hand_on(guarded: Server) -> None:
    async def knock(session: aiohttp.ClientSession) -> str:
        headers = {"Origin": "http://cameras.test", "Cookie": f"vshm_token_{guarded.port}={TOKEN}"}
        async with session.post(guarded.url("/live"), headers=headers) as answer:
            assert answer.status == 403
            return await answer.text()

    assert "proxy_set_header Host" in in_session(knock)
