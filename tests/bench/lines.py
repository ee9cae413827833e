# SPDX-License-Identifier: Apache-2.0
"""Counts what a frame touches on its way through the binding, and through the floor, with cold caches.

python tests/bench/lines.py [--json] [--bytes] [PEER...]    needs valgrind (with its headers) and a C compiler

At 30 frames/s, a frame finds nothing in the processor's caches, and waits for each cache line that it needs. So their
number says more than that of instructions, and unlike a time it is the same on a busy machine. Counted are the lines of
code and data from the call of send to the futex that wakes the readers, and from there to the return of receive. A
frame has 256 bytes, so its own are few. About 140 lines of each figure are the counting's own.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from ctypes import PyDLL
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hil.bench.payload import Payload
from hil.bench.peer import Link
from hil.bench.peers import peer_class

# Those whose readers wait for a futex.
PEERS = ("futex floor", "bare calls, receive", "bare calls, borrow", "video-shm", "video-shm borrow")
OF_BYTES = PEERS[3:]  # the others take an address of their own, which bytes do not give
WARM_UP = 60  # frames, after which the interpreter specializes nothing more
EVERY_S = 0.03
CACHE = "4194304,16,64"  # so large that each line is missed once
TOTALS = re.compile(r"^totals: (.*)$", re.MULTILINE)
SHIM = "lines.so"


def _send(peer_name: str, link: Link, shim: PyDLL, as_bytes: bool) -> None:
    """Count a frame from send() to its wake."""
    peer, payload = peer_class(peer_name)(link), Payload(link.size)
    peer.open_to_send()
    frames: list[Any] = [payload.numbered(number) for number in range(WARM_UP)]
    if as_bytes:
        frames = [bytes(frame) for frame in frames]
    send, begin = peer.send, shim.lines_begin_until_wake
    begin.restype = None  # a call without a result has fewer lines of its own
    for frame in frames:
        send(frame)
    begin()
    send(frames[0])
    peer.close()


def _receive(peer_name: str, link: Link, shim: PyDLL) -> None:
    """Count a frame from the end of the wait to the return of receive()."""
    peer = peer_class(peer_name)(link)
    peer.open_to_receive()
    receive, end = peer.receive, shim.lines_end
    end.restype = None
    for _ in range(WARM_UP):
        receive()
        peer.release()
    while True:
        shim.lines_begin_at_wait()
        kept = receive()
        end()
        del kept
        peer.release()
        if list(link.folder.glob("count.*")):  # else the frame was there already
            break
    peer.close()


def _counted(peer: str, role: str, link: Link, as_bytes: bool) -> dict[str, int]:
    """Run one side under valgrind, and return its counts. Raises CalledProcessError."""
    own = [sys.executable, __file__, "--role", role, "--folder", str(link.folder), peer]
    if as_bytes:
        own.append("--bytes")
    caches = [f"--{name}={CACHE}" for name in ("I1", "D1", "LL")]
    tool = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", "--cache-sim=yes", *caches]
    words = [*tool, f"--callgrind-out-file={link.folder}/count", *own]
    environment = os.environ | {"LD_PRELOAD": str(link.folder / SHIM)}
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as process:
        if role == "receive":
            _feed(peer, link, process)
        _, errors = process.communicate()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, words, stderr=errors)
    (path,) = [found for found in link.folder.glob("count.*") if "Client Request" in found.read_text()]
    totals = TOTALS.search(path.read_text())
    assert totals is not None
    instructions, _, _, code, read, written, *_ = (int(word) for word in totals[1].split())
    for found in link.folder.glob("count*"):
        found.unlink()
    return {"instructions": instructions, "code_lines": code, "data_lines": read + written}


def _feed(peer_name: str, link: Link, reader: subprocess.Popen[str]) -> None:
    """Send frames until the reader has ended."""
    peer, payload = peer_class(peer_name)(replace(link, receiver=None)), Payload(link.size)
    peer.open_to_send()
    (link.folder / "ready").touch()
    frame = payload.numbered(0)
    while reader.poll() is None:
        peer.send(frame)
        time.sleep(EVERY_S)
    peer.close()


def _play(options: argparse.Namespace) -> None:
    """Be one side, under valgrind."""
    gc.disable()
    folder = options.folder
    link = Link(folder, folder.name, 256, 1, receiver=0 if options.role == "receive" else None)
    while options.role == "receive" and not (folder / "ready").exists():
        time.sleep(EVERY_S)
    shim = PyDLL(str(folder / SHIM))
    if options.role == "receive":
        _receive(options.peers[0], link, shim)
    else:
        _send(options.peers[0], link, shim, options.bytes)


def measure(peer: str, as_bytes: bool = False) -> dict[str, dict[str, int]]:
    """Count both sides of a peer. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix=f"vshm-lines-{os.getpid()}-") as name:
        folder = Path(name)
        source = Path(__file__).with_suffix(".c")
        command = ["cc", "-O2", "-shared", "-fPIC", str(source), "-o", str(folder / SHIM), "-ldl"]
        subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
        link = Link(folder, folder.name, 256, 1)
        try:
            return {role: _counted(peer, role, link, as_bytes) for role in ("send", "receive")}
        finally:
            with contextlib.suppress(FileNotFoundError):
                peer_class(peer).sweep(link)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"of {', '.join(PEERS)} (default: all)")
    parser.add_argument("--json", action="store_true", help="a record instead of a table")
    parser.add_argument("--bytes", action="store_true", help=f"send bytes, not a bytearray; of {', '.join(OF_BYTES)}")
    parser.add_argument("--role", choices=("send", "receive"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    peers = OF_BYTES if options.bytes else PEERS
    if unknown := set(options.peers) - set(peers):
        parser.error(f"no peer {', '.join(unknown)}; there are: {', '.join(peers)}")
    if options.role:
        _play(options)
        return 0
    try:
        found = {peer: measure(peer, options.bytes) for peer in options.peers or peers}
    except FileNotFoundError as error:
        parser.error(f"{error.filename} is not installed: apt install valgrind gcc")
    except subprocess.CalledProcessError as error:
        print(f"lines: {error.cmd[0]} failed: {error.stderr}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(found))
        return 0
    for peer, roles in found.items():
        for role, counts in roles.items():
            what = "send, to the wake" if role == "send" else "from the wake, receive"
            lines = counts["code_lines"] + counts["data_lines"]
            print(f"{peer:20} {what:24} {lines:5} lines {counts['instructions']:7} instructions")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
