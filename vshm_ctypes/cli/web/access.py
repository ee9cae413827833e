# SPDX-License-Identifier: Apache-2.0
"""Access control: this machine only, or whoever has the token, and never a script of another page."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


_OTHER_PAGE = (
    "requests of other pages are refused; a proxy has to hand on the name of the host that the browser has asked "
    "(nginx: proxy_set_header Host $http_host)\n"
)
_OTHER_NAME = "not under that host name: open http://127.0.0.1:{port}/, or behind a proxy use --token-file\n"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach the address or host name."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _same_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def cookie_name(port: int | None) -> str:
    """Return a cookie name with the port: cookies ignore ports, so two servers on a machine would share a name."""
    return f"vshm_token_{port}"


def _has_token(request: web.Request, token: str) -> bool:
    given = request.query.get("token") or request.cookies.get(cookie_name(request.url.port)) or ""
    return hmac.compare_digest(given.encode(), token.encode())


def _refusal(request: web.Request, token: str | None) -> web.Response | None:
    """Return a response that refuses the request, or None. Raises ValueError if its Host or Origin is malformed."""
    port = request.url.port
    if not _same_origin(request):
        return web.Response(status=403, text=_OTHER_PAGE)
    if token is None:
        # DNS rebinding: a foreign name that resolves to this machine.
        name = urlsplit(f"//{request.host}").hostname or ""
        if not is_loopback(name):
            return web.Response(status=403, text=_OTHER_NAME.format(port=port))
    elif not _has_token(request, token):
        text = "a token is missing or wrong: open the address that vshm serve printed\n"
        return web.Response(status=401, text=text)
    return None


def guard(token: str | None) -> Middleware:
    """Return a middleware that refuses everybody without access. token is None if only this machine can reach us."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            refused = _refusal(request, token)
        except ValueError:
            refused = web.Response(status=400, text="the header Host or Origin is malformed\n")
        if refused is not None:
            response: web.StreamResponse = refused
        elif token is not None and "token" in request.query:  # move it from the address into a cookie
            # Relative, as a proxy may have us below a path of its own.
            response = web.HTTPSeeOther(f"./{request.path.rpartition('/')[2]}")
            response.set_cookie(cookie_name(request.url.port), token, httponly=True, samesite="Strict")
        else:
            response = await handler(request)
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    return middleware
