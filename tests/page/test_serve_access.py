# SPDX-License-Identifier: Apache-2.0
"""vshm serve: who may look, and who may not."""

import json
import socket
from pathlib import Path

import aiohttp
import pytest
from serving import TOKEN, Server, in_session, serving, status
from vshm import vshm
from writers import ROOT

from vshm_ctypes.cli.web.access import cookie_name

STATIC = ROOT / "vshm_ctypes" / "cli" / "web" / "static"


def test_the_address_comes_as_json_too() -> None:
    with serving("--json") as server:
        assert json.loads(server.printed) == {"url": f"http://127.0.0.1:{server.port}/"}
        assert status(server.url("/")) == 200


def test_without_a_token_only_this_machine_is_listened_to(server: Server) -> None:
    assert server.printed == f"http://127.0.0.1:{server.port}/"
    assert status(server.url("/")) == 200
    with pytest.raises(aiohttp.ClientConnectorError):
        status(server.url("/", "127.0.0.2"))


@pytest.mark.parametrize("path", ["/", "/live", "/static/page.js"])
def test_a_name_that_was_pointed_at_this_machine_is_refused(server: Server, path: str) -> None:
    assert status(server.url(path), Host=f"evil.example:{server.port}") == 403


@pytest.mark.parametrize("path", ["/", "/live", "/live?ring=0", "/static/page.js", "/static/../app.py", "/no"])
def test_without_the_token_nothing_is_told(guarded: Server, path: str) -> None:
    assert status(guarded.url(path)) == 401
    assert status(guarded.url(path), Cookie=f"{cookie_name(guarded.port)}=another") == 401
    assert status(guarded.url(f"{path}{'&' if '?' in path else '?'}token=another")) == 401


def test_the_token_goes_from_the_address_into_a_cookie(guarded: Server) -> None:
    assert guarded.printed.endswith(f"/?token={TOKEN}")

    async def enter(session: aiohttp.ClientSession) -> None:
        async with session.get(guarded.url(f"/?token={TOKEN}"), allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "./")
            cookie = answer.cookies[cookie_name(guarded.port)]
        assert (cookie.value, cookie["httponly"], cookie["samesite"]) == (TOKEN, True, "Strict")
        async with session.get(guarded.url("/"), headers={"Cookie": f"{cookie_name(guarded.port)}={TOKEN}"}) as answer:
            assert answer.status == 200
            assert answer.headers["Referrer-Policy"] == "no-referrer"

    in_session(enter)


def test_a_browser_keeps_the_tokens_of_two_servers_of_one_machine() -> None:
    with serving("--host", "0.0.0.0") as one, serving("--host", "0.0.0.0") as other:

        async def look(session: aiohttp.ClientSession) -> None:
            for server in (one, other):
                token = server.printed.partition("token=")[2]
                async with session.get(server.url(f"/?token={token}", "localhost")) as answer:
                    assert answer.status == 200
            for server in (one, other):
                async with session.get(server.url("/", "localhost")) as answer:
                    assert answer.status == 200

        in_session(look)


def test_listening_to_others_makes_a_token_of_its_own() -> None:
    with serving("--host", "0.0.0.0") as one, serving("--host", "0.0.0.0") as other:
        tokens = [server.printed.partition("token=")[2] for server in (one, other)]
        assert status(one.url("/")) == 401
        assert status(one.url(f"/?token={tokens[0]}")) == 303
    assert len(tokens[0]) >= 20
    assert tokens[0] != tokens[1]


def test_all_addresses_of_ipv6_are_all_of_ipv4_too() -> None:
    """The address that is printed for :: is one of IPv4."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6: {error}")
    with serving("--host", "::") as server:
        path = f"/?{server.printed.partition('?')[2]}"
        assert [status(server.url(path, host)) for host in ("127.0.0.1", "[::1]")] == [303, 303]


def test_another_pages_script_may_not_look(server: Server, guarded: Server) -> None:
    for one, cookie in ((server, ""), (guarded, f"{cookie_name(guarded.port)}={TOKEN}")):
        assert status(one.url("/live"), Origin="http://evil.example", Cookie=cookie) == 403


def test_a_poor_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short\n")
    outcome = vshm("serve", "--host", "0.0.0.0", "--token-file", str(tmp_path / "token"))
    assert (outcome.code, "letters" in outcome.err) == (2, True)


def test_a_port_that_is_taken_is_told(server: Server) -> None:
    outcome = vshm("serve", "--port", str(server.port))
    assert (outcome.code, "choose another port" in outcome.err) == (1, True)


def test_the_page_needs_nothing_from_elsewhere(server: Server) -> None:
    async def fetch(session: aiohttp.ClientSession) -> str:
        texts = []
        for path in ("/", *(f"/static/{p.name}" for p in STATIC.iterdir())):
            async with session.get(server.url(path)) as answer:
                assert answer.status == 200
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                texts.append(await answer.text())
        return "".join(texts)

    text = in_session(fetch).replace("http://www.w3.org/2000/svg", "")  # a name, which nobody fetches
    assert "http://" not in text
    assert "https://" not in text
    assert 'src="//' not in text
