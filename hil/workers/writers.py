# SPDX-License-Identifier: Apache-2.0
"""Writers of a ring: camera-streamer with its ledger, and one without a camera."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from hil.streamer.ledger import Record, read_ledger
from vshm_ctypes import VideoShmError, inspect

from .child import Child, Site, start_program, start_python
from .containers import own_pid
from .life import WriterLife
from .programs import find_program
from .records import written_in, written_on
from .tape import Tape
from .worker import Worker


@dataclass(frozen=True, slots=True)
class RingWriter:
    """A writer without a camera. fps: 0 means as fast as possible. size: bytes of a frame, from least to most.

    frames: how many are written; 0 means without end. records: capacity of its tape, a power of two.
    """

    fps: int = 30
    size: tuple[int, int] = (20_000, 20_000)
    gop: int = 30
    frames: int = 0
    slots: int = 30
    slot_size: int = 512 * 1024
    records: int = 65536

    def start(self, site: Site, name: str) -> WriterWorker:
        """Start its process, which writes once it is told to."""
        return RingWriterWorker(site, name, self)


@dataclass(frozen=True, slots=True)
class CameraStreamer:
    """camera-streamer. device, channel: as on its command line, the channel without its ring. words: further options.

    encode_ms: additional encoding time per picture.
    """

    device: str = "auto"
    channel: str = ""
    words: tuple[str, ...] = ()
    slots: int = 30
    encode_ms: int = 0

    def start(self, site: Site, name: str) -> WriterWorker:
        """Start its process, which writes at once."""
        return CameraStreamerWorker(site, name, self)


Writer = RingWriter | CameraStreamer


class WriterWorker(Worker):
    """The process of a writer."""

    def go(self) -> None:
        """Let it start to write, as everybody is attached, unless it has started already."""

    def life(self) -> WriterLife:
        """Return its record, once it has ended."""
        code = self.child.code
        assert code is not None
        said = self.child.lines()
        return WriterLife(
            started_ns=self.child.started_ns,
            ended_ns=self.ended_ns,
            code=code,
            meant=self.told_to_end and code == 0,
            complaints=self.child.complaints,
            samples=self.samples,
            library=self.library,
            summary=said[-1] if said and "channels" in said[-1] else None,
        )


class RingWriterWorker(WriterWorker):
    """The process of the harness's own writer."""

    tape: Tape

    def __init__(self, site: Site, name: str, writer: RingWriter) -> None:
        self._writer = writer
        super().__init__(site, name, Tape(writer.records))

    def start(self) -> Child:
        writer = self._writer
        words = {"n": self.site.ring, "t": self.tape.path, "f": writer.fps, "s": writer.size[0], "S": writer.size[1]}
        words |= {"g": writer.gop, "c": writer.frames, "k": writer.slots, "z": writer.slot_size}
        command = [find_program("ring_writer", self.site.library)]
        return start_program(self.site, self.name, [*command, *(f"-{name}{value}" for name, value in words.items())])

    def is_ready(self) -> bool:
        return "\n" in self.child.output

    def go(self) -> None:
        self.tape.go()

    def life(self) -> WriterLife:
        life = super().life()
        self.drain()
        life.written = written_on(bytes(self.written_down))
        life.stalls = self.tape.stalls
        self.close()
        return life


class CameraStreamerWorker(WriterWorker):
    """camera-streamer in a fork of the warm interpreter."""

    def __init__(self, site: Site, name: str, writer: CameraStreamer) -> None:
        self._writer = writer
        self._ledger = site.folder / f"{name}.ledger"
        super().__init__(site, name)

    def start(self) -> Child:
        writer = self._writer
        channel = ",".join(filter(None, [writer.channel, f"slots={writer.slots}"]))
        words = ["--device", writer.device, "--channel", f"{self.site.ring}:{channel}", "--ledger", str(self._ledger)]
        words += ["--stats", *writer.words]
        if writer.encode_ms:
            return start_python(self.site, self.name, "hil.workers.slow_streamer", [str(writer.encode_ms), *words])
        return start_python(self.site, self.name, "hil.streamer.main", words)

    def is_ready(self) -> bool:
        with contextlib.suppress(VideoShmError):
            info = inspect(self.site.ring)
            works = info.last_publish_ns > self.child.started_ns or info.dropped_too_large > 0
            return info.writer_pid == own_pid(self.child.pid) and works
        return False

    def _records(self) -> Iterator[Record]:
        if self._ledger.exists():
            yield from read_ledger(self._ledger)

    def life(self) -> WriterLife:
        life = super().life()
        life.written = written_in(self._records(), self.site.ring)
        return life
