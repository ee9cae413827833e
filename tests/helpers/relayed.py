# SPDX-License-Identifier: Apache-2.0
"""Programs on the two ends of a relay: a camera that keeps a ledger, and a reader that writes down what it gets.

    relayed.py camera RING LEDGER FPS GOP BYTES     writes until SIGTERM; a keyframe has eight times BYTES
    relayed.py camera RING LEDGER FPS 1 KIND        of another kind: sound, or raw pictures
    relayed.py reader RING                          prints each frame, and each end of the ring

Both print and keep lines of JSON.
"""

import json
import os
import signal
import sys
import time
import zlib
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from vshm_ctypes import (
    Codec,
    Colour,
    Consumer,
    Flag,
    Media,
    Producer,
    ProducerClosed,
    ProducerNotRunning,
    picture_layout,
)
from vshm_ctypes.errors import Interrupted

JUNK = os.urandom(4 << 20)


class Kind(NamedTuple):
    """What is written: bytes of a frame, and its metadata."""

    size: int
    codec: int
    width: int
    height: int
    fps: int
    reserved: bytes = bytes(5)
    media: Media = Media.VIDEO


RAW = picture_layout(Codec.NV12, 64, 48, colour=Colour(1, 1, 1, 1))
KINDS = {
    "sound": Kind(960, Codec.PCM_S16LE, 480, 48000, 1, media=Media.AUDIO),
    "raw": Kind(RAW.size, Codec.NV12, 64, 48, 30, RAW.meta()["reserved"]),
}


def unit(number: int, size: int) -> bytes:
    """Return an access unit of that many bytes, which nothing compresses, and no other one is like."""
    at = number * 1009 % (len(JUNK) - size)
    return number.to_bytes(8, "big") + JUNK[at : at + size - 8]


def camera(ring: str, ledger: str, fps: str, gop: str, size: str) -> None:
    over = False

    def end(*_: object) -> None:
        nonlocal over
        over = True

    signal.signal(signal.SIGTERM, end)
    begin, number = time.monotonic(), 0
    kind = KINDS.get(size) or Kind(int(size), Codec.H265, 1280, 720, int(fps))
    with (
        Path(ledger).open("w", buffering=1) as book,
        Producer(ring, slots=120, slot_size=1 << 18, media=kind.media) as producer,
    ):
        while not over:
            keyframe = number % int(gop) == 0
            data = unit(number, kind.size * (8 if keyframe and int(gop) > 1 else 1))
            taken_ns = time.monotonic_ns() - 5_000_000
            flags = Flag.CAPTURE_DRIVER | (Flag.CORRUPT if number % 7 == 3 else 0)
            with producer.reserve() as slot:
                slot.data[: len(data)] = data
                wall_ms = 1_700_000_000_000 + number * 33
                slot.commit(
                    len(data),
                    keyframe=keyframe,
                    codec=kind.codec,
                    width=kind.width,
                    height=kind.height,
                    fps=kind.fps,
                    reserved=kind.reserved,
                    timestamp_ms=wall_ms,
                    capture_ns=taken_ns,
                    flags=flags,
                )
            line: dict[str, object] = {
                "crc": zlib.crc32(data),
                "capture_ns": taken_ns,
                "flags": int(flags) | keyframe,
                "ms": wall_ms,
            }
            line |= {"stream": [kind.codec, kind.width, kind.height, kind.fps], "reserved": kind.reserved.hex()}
            print(json.dumps({"number": number, "keyframe": keyframe, **line}), file=book)
            number += 1
            time.sleep(max(0.0, begin + number / float(fps) - time.monotonic()))


def reader(ring: str) -> None:
    while True:
        try:
            with Consumer(ring, start="oldest") as stream:
                signal.signal(signal.SIGTERM, lambda *_: stream.interrupt())
                follow(stream)
        except ProducerNotRunning:
            time.sleep(0.02)
        except ProducerClosed:
            print(json.dumps({"end": "closed", "at_ns": time.monotonic_ns()}), flush=True)
        except Interrupted:
            return


def follow(stream: Consumer) -> None:
    while True:
        frame = stream.receive()
        assert frame is not None
        told = {
            "number": int.from_bytes(frame.data[:8], "big"),
            "crc": zlib.crc32(frame.data),
            "capture_ns": frame.capture_ns,
            "publish_ns": frame.publish_ns,
            "flags": int(frame.flags),
            "ms": frame.timestamp_ms,
            "stream": [frame.codec, frame.width, frame.height, frame.fps],
            "reserved": frame.meta.reserved.hex(),
            "missed": frame.missed_before,
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
