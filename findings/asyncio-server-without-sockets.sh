#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# "Without a descriptor left, a server can't be started: that is EMFILE" is true of neither asyncio nor aiohttp on it. Each
# takes the failed socket() for an address family that this host lacks, passes over it, and when none is left over reports
# success: a server without sockets, which nobody reaches and whose wait never ends. Seen with CPython 3.11.7, all
# descriptors taken before the call (asyncio.start_server is create_server too):
#     loop.create_server("127.0.0.1", 0)             no error, sockets ()
#     aiohttp 3.14.5, TCPSite(...).start()           no error, runner.addresses []
#     uvloop 0.23.0, the same call                   OSError, EMFILE
# So it is from 3.8.18 to 3.12.1; 3.13.0 raises OSError, "could not bind on any address", which has no errno. A host that
# has to be looked up hides it: the lookup needs a descriptor too, and its EMFILE is raised.
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 or 3.12 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiohttp==3.14.5 uvloop==0.23.0

cat >look.py <<'PYTHON'
import asyncio
import contextlib
import os
import resource
import sys

import uvloop
from aiohttp import web

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


@contextlib.contextmanager
def none_left():
    held = []
    with contextlib.suppress(OSError):
        while True:
            held.append(os.open("/", os.O_RDONLY))
    try:
        yield
    finally:
        for one in held:
            os.close(one)


async def plain(host):
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, int)
    with none_left():
        try:
            server = await loop.create_server(asyncio.Protocol, host, 0)
        except OSError as error:
            return type(error).__name__, error.errno
    told = server.sockets
    server.close()
    return told


async def by_aiohttp():
    runner = web.AppRunner(web.Application())
    await runner.setup()
    with none_left():
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    told = runner.addresses
    await runner.cleanup()
    return told


seen = {
    "asyncio": asyncio.run(plain("127.0.0.1")),
    "asyncio, by name": asyncio.run(plain("localhost")),
    "aiohttp": asyncio.run(by_aiohttp()),
    "uvloop": uvloop.run(plain("127.0.0.1")),
}
print(seen)
same = seen == {"asyncio": (), "asyncio, by name": ("OSError", 24), "aiohttp": [], "uvloop": ("OSError", 24)}
sys.exit(0 if same else "it has changed")
PYTHON
venv/bin/python look.py
