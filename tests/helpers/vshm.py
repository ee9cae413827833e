# SPDX-License-Identifier: Apache-2.0
"""Runs the vshm command as a shell does, and makes rings for it."""

import json
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from hosts import PLAIN, Host, on

from vshm_ctypes import Codec, Producer

TIMEOUT_S = 600
ROOMY = {"slots": 1000, "slot_size": 2000}  # of a Camera's ring: ten seconds, of which a busy machine misses nothing
KEYFRAME = b"\0\0\1\x67\0\0\1\x68\0\0\1\x65"  # of H.264, as far as vshm check looks: SPS, PPS, IDR


@dataclass(frozen=True)
class Outcome:
    """The result of a run of the command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def vshm(*words: str, host: Host = PLAIN, timeout: float = TIMEOUT_S) -> Outcome:
    result = on(host, sys.executable, "-m", "vshm_ctypes", *words, timeout=timeout)
    return Outcome(result.returncode, result.stdout, result.stderr)


def codes(outcome: Outcome, subject: str) -> list[str]:
    """Return the codes of the findings about that subject in vshm check --json."""
    return [finding["code"] for finding in outcome.json["findings"] if finding["subject"] == subject]


def payload(number: int, size: int = 1000) -> bytes:
    """Return an H.264-like access unit with that number in it, which vshm record accepts."""
    return b"\0\0\0\1\0\0\1\x04" + number.to_bytes(4, "big") + bytes(size - 12)


class Camera:
    """Writes frames into a ring, as a camera does, until the with block ends."""

    def __init__(self, ring: str, *, fps: int = 100, gop: int = 10, **options: Any) -> None:
        self.ring = ring
        self.producer = Producer(ring, **options)
        self.written = 0
        self._gop = gop
        self._interval_s = 1 / fps
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def write(self) -> None:
        keyframe = self.written % self._gop == 0
        # What stands before the first start code keeps vshm record from reading it closer.
        unit = (b"\1" + KEYFRAME) * keyframe + payload(self.written)
        self.producer.write(
            unit[:1000],
            keyframe=keyframe,
            codec=Codec.H264,
            width=640,
            height=360,
            fps=30,
        )
        self.written += 1

    def _run(self) -> None:
        begin = time.monotonic()
        while not self._over.wait(max(0.0, begin + self.written * self._interval_s - time.monotonic())):
            self.write()

    def __enter__(self) -> "Camera":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.producer.close()
