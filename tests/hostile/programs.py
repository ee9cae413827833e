# SPDX-License-Identifier: Apache-2.0
"""What is run on the hosts: writers, readers of every kind, and each verb of vshm; with what each needs of a host."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hosts.preloads import BUILD

from .far_sides import BOARD, Side, exporting, importing, taking_mpegts

CAMERA = "/video_stream"  # the bystander that verbs and readers look at
OLD_CHANNEL = 7  # of the bystander that is of version 1
LOG = "before.log"  # in each place: what vshm watch --log wrote before

READER = """
import asyncio, sys
from vshm_ctypes import Consumer
async def wait(stream):
    return [await stream.wait_async(10) for _ in range(5)]
try:
    with Consumer({options}) as stream:
        {read}
    print("read", flush=True) if sys.stdout else None
except OSError as error:
    sys.exit(f"reader: {{error.strerror}}")
"""
WRITER = """
import sys, time
from vshm_ctypes import Producer, VideoShmError
try:
    with Producer(sys.argv[1]) as ring:
        for number in range(20):
            ring.write(b"x" * 1000, keyframe=True)
            time.sleep(0.01)
    print("written", flush=True) if sys.stdout else None
except VideoShmError as error:
    sys.exit(f"writer: {error.strerror}")
"""
REACHES = {"lasts": True, "makes": "reached"}  # a bridge works once its far side has put that file down
UNNAMED = r" (-[sct]|--every|--seconds|--port|--as|--board|--listen|--connect) \S+|FOLDER/| RING|:PORT"
TAKES_ONE = "for _ in range(5): assert stream.receive(10)"
BORROWS = "for _ in range(5):\n            with stream.borrow(10) as frame: bytes(frame.data)"


@dataclass(frozen=True)
class Place:
    """Where a program runs: a folder of its own, the number of a channel that nobody else has, and a port."""

    folder: Path
    number: int
    port: int = 0

    @property
    def ring(self) -> str:
        return f"/own_{self.number}"


@dataclass(frozen=True)
class Program:
    """A program to run.

    words: the command, at a place. needs: what it needs of a host: "ring" (to read the camera's), "source" (the
    camera's ring, which a bridge waits for), "room" (for a ring of its own), "notice" (room for an object of a page),
    "list" (/dev/shm), "threads", "stdout", "files" (a folder that can be written), "codecs" (PyAV and its memory), or
    what only it needs. proof: what it prints once it works. lasts: whether it goes on until SIGTERM. healthy: exit
    codes where all is well. makes: the file that is there afterwards. answers: whether it tells an address of HTTP,
    which is asked. far: what runs on a plain host meanwhile. not_on: hosts where what it is made of can't run. cheap:
    whether it is tried on pairs of hosts too.
    """

    name: str
    words: Callable[[Place], list[str]]
    needs: frozenset[str]
    proof: re.Pattern[str]
    lasts: bool = False
    healthy: frozenset[int] = frozenset({0})
    makes: str = ""
    answers: bool = False
    far: Side | None = None
    not_on: frozenset[str] = frozenset()
    cheap: bool = False

    def works(self, place: Place, said: str) -> bool:
        """Whether it has told and made what it is to."""
        return self.proof.search(said) is not None and (place.folder / self.makes).exists()


def _verb(words: str, needs: str, proof: str, **more: object) -> Program:
    """Return a verb of vshm; FOLDER, RING and PORT in its words stand for the place's."""

    def command(place: Place) -> list[str]:
        told = words.replace("FOLDER", str(place.folder)).replace("RING", place.ring).replace("PORT", str(place.port))
        return [sys.executable, "-m", "vshm_ctypes", *told.split()]

    name = re.sub(UNNAMED, "", words)
    return Program(f"vshm {name}", command, frozenset(needs.split()), re.compile(proof), **more)  # type: ignore[arg-type]


def _reader(name: str, read: str, needs: str = "ring", options: str = repr(CAMERA), *not_on: str) -> Program:
    program = READER.format(read=read, options=options)
    return Program(
        name,
        lambda _: [sys.executable, "-c", program],
        frozenset(needs.split()),
        re.compile("read"),
        not_on=frozenset(not_on),
        cheap=name == "Consumer",
    )


def _c(name: str, program: str, words: str, needs: str, proof: str, cheap: bool = False) -> Program:
    def command(place: Place) -> list[str]:
        return [str(BUILD / "tests" / program), *words.replace("NUMBER", str(place.number)).split()]

    return Program(name, command, frozenset(needs.split()), re.compile(proof), cheap=cheap)


def _streamer(place: Place) -> list[str]:
    source = ["--device", "testsrc:160x96@15"]
    return [sys.executable, "-m", "hil.streamer", *source, "--channel", f"{place.ring}:,encoder=libx264"]


ABORTS = {"not_on": frozenset({"little address space"})}  # Rust ends a process that has no memory left
NO_LOOP = ("3 descriptors left", "no AF_UNIX: EAFNOSUPPORT")  # where asyncio leaves a half-made loop
NEAR = "tcp/127.0.0.1:PORT"
BRIDGES = (
    _verb(f"publish {CAMERA} tcp://127.0.0.1:PORT", "source codecs threads internet", "", far=taking_mpegts, **REACHES),
    _verb(
        f"relay export --board {BOARD} --listen {NEAR}",
        "source threads internet",
        "",
        far=importing,
        **ABORTS,
        **REACHES,
    ),
    _verb(
        f"relay import --as RING --connect {NEAR} {BOARD}{CAMERA}",
        "room threads internet",
        "",
        far=exporting,
        **REACHES,
    ),
    _verb(f"relay list --connect {NEAR}", "threads internet", BOARD, far=exporting),
)
PROGRAMS = (
    _verb("list -s 0.1", "list", r"^video_stream|/video_stream", cheap=True),
    _verb("list --json -s 0.1", "list json", r"/video_stream"),
    _verb("show -s 0.1", "ring", "video_stream", cheap=True),
    _verb("watch -t 1", "list threads", "the writer is live"),
    _verb("watch -t 1 --log FOLDER/new.log", "list files threads", "the writer is live", makes="new.log"),
    _verb("record -c 5 -o FOLDER/clip.h264", "ring files", "5 frames", makes="clip.h264", cheap=True),
    _verb("record -c 5 -o FOLDER/clip.mp4", "ring files codecs threads", "5 frames", makes="clip.mp4"),
    _verb("check -s 0.1", "check", "video_stream|ring", healthy=frozenset({0, 1})),
    _verb("check --clean -s 0.1", "check", "", healthy=frozenset({0, 1}), cheap=True),
    _verb(
        "demo RING --no-browser --port 0",
        "room serve codecs threads internet null",
        "http://",
        lasts=True,
        answers=True,
    ),
    _verb("serve --port 0", "serve codecs threads internet", "http://", lasts=True, answers=True),
    _verb("export --port 0", "list threads internet", "http://", lasts=True, answers=True),
    _verb("export --every 1 -o FOLDER/own.prom", "list files threads", "", lasts=True, makes="own.prom"),
    _verb("export --dashboard", "", '"panels"'),
    _verb(
        "bundle --seconds 0.5 -o FOLDER/case.tar.zst", "list files codecs threads", "case.tar.zst", makes="case.tar.zst"
    ),
    _verb("bundle --what", "", "manifest.json"),
    _verb(f"plot FOLDER/{LOG}", "", "fps|rate"),
    _verb(f"plot FOLDER/{LOG} -o FOLDER/log.svg", "files codecs threads", "", makes="log.svg"),
    _verb("completion bash", "", "_vshm"),
    *BRIDGES,
    _reader("Consumer", TAKES_ONE),
    _reader("Consumer, borrow", BORROWS),
    _reader("Consumer, asyncio", "asyncio.run(wait(stream))", "ring threads", repr(CAMERA), *NO_LOOP),
    _reader("Consumer, publish", TAKES_ONE, "ring notice", f"{CAMERA!r}, publish=True"),
    _c("video_consumer", "video_consumer", "-c 5 -t 10000", "ring stdout", "Frame", cheap=True),
    _c("v1_reader", "v1/v1_reader", f"-c {OLD_CHANNEL} -n 5 -d 10000", "semaphores", '"received":5'),
    _c("C writer", "seed/seed_producer", "-c NUMBER -n 20 -f 100", "old-loop", "", cheap=True),
    Program(
        "Producer",
        lambda place: [sys.executable, "-c", WRITER, place.ring],
        frozenset({"room"}),
        re.compile("written"),
        cheap=True,
    ),
    Program(
        "camera-streamer", _streamer, frozenset({"room", "codecs", "threads"}), re.compile("160x96 at"), lasts=True
    ),
)
