# SPDX-License-Identifier: Apache-2.0
"""Pipelines with vshmsrc and vshmsink, in child processes."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import judges
from writers import BUILD, WATCHDOG_S

PLUGIN = BUILD / "gstreamer" / "plugin" / "libgstvshm.so"
REMEDY = "ci/bootstrap gstreamer judges, then ci/test build"


def environment() -> dict[str, str]:
    """Return the environment in which GStreamer finds the elements; its registry is this build's own."""
    python = judges.gstreamer_python()
    assert python
    if not PLUGIN.exists():
        judges.missing(f"no GStreamer elements in {BUILD} ({REMEDY})")
    registry = BUILD / "gstreamer" / "registry"
    return os.environ | {"GST_PLUGIN_PATH": str(PLUGIN.parent), "GST_REGISTRY": str(registry)}


class Pipeline:
    """A pipeline that runs as long as the block lasts.

    line: as gst-launch-1.0 takes it; an appsink named out tells its samples. clock: another one than its own: realtime.
    """

    def __init__(self, line: str, clock: str = "") -> None:
        program = str(Path(__file__).with_name("gstreamer_pipeline.py"))
        self.end = ""
        self.stats: dict[str, int] = {}
        self._process = subprocess.Popen(
            [judges.gstreamer_python(), program, line, *clock.split()],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=WATCHDOG_S)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the samples until the pipeline ends; then end and stats are set."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if "end" in told:
                self.end, self.stats = told["end"], told["stats"]
                return
            yield told

    def stop(self) -> list[dict[str, Any]]:
        """End the pipeline and return the samples that were not read yet."""
        self._process.terminate()
        return list(self)


def played(line: str, clock: str = "") -> list[dict[str, Any]]:
    """Run a pipeline to its end of stream, and return its samples."""
    with Pipeline(line, clock) as pipeline:
        samples = list(pipeline)
        assert pipeline.end == "eos", pipeline.end
        return samples


WEBRTC = """
import gi
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstWebRTC
Gst.init(None)
raise SystemExit(not all(map(Gst.ElementFactory.find, ["webrtcbin", "nicesrc"])))
"""


@contextmanager
def webrtc(line: str) -> Iterator[Iterator[str]]:
    """Run gstreamer_webrtc.py with this sender, and yield the lines that it prints."""
    python, program = judges.gstreamer_python(), str(Path(__file__).with_name("gstreamer_webrtc.py"))
    if subprocess.run([python, "-c", WEBRTC], env=environment(), stderr=subprocess.DEVNULL, check=False).returncode:
        judges.missing(f"no WebRTC in this GStreamer ({REMEDY})")
    process = subprocess.Popen([python, program, line], stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    try:
        yield (one.strip() for one in process.stdout)
    finally:
        process.terminate()
        process.communicate(timeout=WATCHDOG_S)
