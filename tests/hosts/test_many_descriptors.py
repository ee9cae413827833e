# SPDX-License-Identifier: Apache-2.0
"""Programs with over a thousand open files: what they wait for has a descriptor that select() does not take."""

import subprocess
import sys

import pytest
from vshm import Camera

from hosts import MANY_DESCRIPTORS, on, require

WAITS = {
    "a program that is a source": """
from contextlib import closing
from hil.streamer.sources.program import Program
with closing(Program(["echo", "frame"], "")) as program:
    assert program.receive(60) == b"frame\\n"
""",
    "the host's own stalls": """
from hil.host.hiccup import Hiccups
with Hiccups() as hiccups:
    hiccups.take()
""",
    "a promise of the library": """
from pathlib import Path
from hil.gate.promises.troupe import Troupe
from vshm_ctypes import get_library
told, path = [], Path(get_library())
Troupe(path, path).perform(["refuses_a_frame_that_is_none"], told.append)
assert [(one.broken, one.unasked) for one in told] == [([], "")]
""",
    "a reader in asyncio": """
import asyncio, sys
from vshm_ctypes import Consumer
async def wait(stream):
    return await stream.wait_async(60)
with Consumer(sys.argv[1], publish=True) as stream:
    assert asyncio.run(wait(stream))
""",
    "a line for each second": """
import sys
from vshm_ctypes.cli.main import main
assert main(["watch", sys.argv[1], "-t", "1"]) == 0
""",
}


@pytest.mark.parametrize("what", WAITS)
def test_it_is_waited_for(ring: str, what: str) -> None:
    with Camera(ring):
        result = on(MANY_DESCRIPTORS, sys.executable, "-c", WAITS[what], ring)
    assert result.returncode == 0, result.stderr


def test_a_page_is_served() -> None:
    pytest.importorskip("aiohttp")
    words = require(MANY_DESCRIPTORS).command(sys.executable, "-m", "vshm_ctypes", "serve", "--port", "0")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert "http://" in server.stdout.readline()
        finally:
            server.terminate()
    assert server.returncode == 0
