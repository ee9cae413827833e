# SPDX-License-Identifier: Apache-2.0
"""GStreamer between processes: shmsink with shmsrc, and unixfdsink with unixfdsrc, from appsrc to appsink."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from abc import abstractmethod
from functools import cache
from typing import Any, ClassVar

from ...processes.environment import SAFE_PATH
from ..peer import Buffer, Peer

SYSTEMS_PYTHON = "/usr/bin/python3"  # has Debian's python3-gi, which an environment of its own has not
ASKS = "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst; Gst.init(None); "
ASKS += "print(Gst.version_string(), bool(Gst.ElementFactory.find('{element}')))"
FITS = 8  # frames in shmsink's memory; what does not fit waits for it


@cache  # asked before each block
def _told(python: str, element: str) -> str:
    """Return GStreamer's version and whether it has the element, or "" if that Python has no GStreamer."""
    try:
        command, environment = [python, "-c", ASKS.format(element=element)], os.environ | {SAFE_PATH: "1"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


class _GStreamer(Peer):
    """A pipeline on each side. sink, source: elements, with the address. copies: into a buffer, and what comes then."""

    missed = None
    element: ClassVar[str]
    source: ClassVar[str]

    @classmethod
    def interpreter(cls) -> str:
        """Return the Python that has PyGObject: this one, else the system's."""
        return sys.executable if _told(sys.executable, cls.element) else SYSTEMS_PYTHON

    @classmethod
    def obstacle(cls) -> str | None:
        told = _told(cls.interpreter(), cls.element)
        if not told:
            return "needs GStreamer: apt install python3-gi gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-bad"
        version, _, there = told.rpartition(" ")
        return None if there == "True" else f"{version} has no {cls.element}"

    @property
    def _place(self) -> str:
        return f"socket-path={self.link.folder / 'gst'}"

    def _begin(self, words: str) -> Any:
        gi = importlib.import_module("gi")
        for name in ("Gst", "GstApp"):
            gi.require_version(name, "1.0")
        self._gst: Any = importlib.import_module("gi.repository.Gst")
        importlib.import_module("gi.repository.GstApp")  # gives appsrc and appsink their methods
        self._gst.init(None)
        self._pipeline = self._gst.parse_launch(words)
        self._pipeline.set_state(self._gst.State.PLAYING)
        return self._pipeline.get_by_name("end")

    def open_to_send(self) -> None:
        self._end = self._begin(
            f"appsrc name=end is-live=true format=time max-buffers=1 leaky-type=downstream caps=application/x-picture"
            f" ! {self._sink()}"
        )

    @abstractmethod
    def _sink(self) -> str:
        """Return the sink with its options."""

    def open_to_receive(self) -> None:
        kept = "max-buffers=1 drop=true" if self.link.newest else "max-buffers=30 drop=true"
        self._end = self._begin(
            f"{self.source} {self._place} ! application/x-picture ! appsink name=end sync=false {kept}"
        )

    def send(self, data: bytearray) -> None:
        buffer = self._gst.Buffer.new_allocate(None, len(data), None)
        buffer.fill(0, bytes(data))
        self._end.push_buffer(buffer)

    def receive(self) -> Buffer:
        sample = self._end.pull_sample()
        if sample is None:
            raise OSError("GStreamer's pipeline has ended")
        self._held = sample.get_buffer()
        _, self._map = self._held.map(self._gst.MapFlags.READ)
        view: memoryview = self._map.data
        return view

    def release(self) -> bool:
        self._held.unmap(self._map)
        return True

    def close(self) -> None:
        self._pipeline.set_state(self._gst.State.NULL)


class GStreamerShm(_GStreamer):
    """An area of shared memory, and a socket that tells where in it a buffer lies."""

    name = "gstreamer shm"
    copies = 3
    how = "into bytes, into a buffer, into shared memory"
    element = "shmsink"
    source = "shmsrc is-live=true"

    def _sink(self) -> str:
        return f"shmsink {self._place} sync=false wait-for-connection=false shm-size={FITS * self.link.size}"


class GStreamerUnixfd(_GStreamer):
    """The descriptor of each buffer's memory, passed through a socket."""

    name = "gstreamer unixfd"
    copies = 3
    how = "into bytes, into a buffer, into memory with a descriptor"
    element = "unixfdsink"
    source = "unixfdsrc"

    def _sink(self) -> str:
        return f"unixfdsink {self._place} sync=false"
