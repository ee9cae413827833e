# SPDX-License-Identifier: Apache-2.0
"""Motion detection: an event, with a picture, whenever enough of the picture changes.

python -m vshm_ctypes.examples.motion_detection [RING] [--every N] [--share 0.02] [--folder DIR] [--mqtt URL]

By default only keyframes are read and decoded, about one a second, which costs a small board very little. With
--every N each frame is decoded, as H.264 requires, and every Nth is examined.

With --mqtt, Home Assistant finds a motion sensor and its last picture by itself, and the program goes on when camera
or broker come back.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import cv2
import numpy

from vshm_ctypes import Consumer, Frame, ring_name

from .mqtt import MotionPublisher, add_arguments, publisher_of
from .pictures import Decoder, Gray, gray

SMALL = (160, 120)  # pixels; averages noise away
CHANGE = 24  # of such a pixel, out of 255


def grays(stream: Consumer, every: int) -> Iterator[tuple[Frame, Gray]]:
    """Yield every Nth frame with its picture."""
    decoder, count = None, 0
    for frame in stream:
        decoder = decoder or Decoder(frame.codec)
        for picture in decoder.decode(frame):
            if count % every == 0:
                yield frame, gray(picture)
            count += 1


def changed_share(before: Gray, now: Gray) -> float:
    """Return the share of the picture that has changed, 0 to 1."""
    return float(numpy.mean(cv2.absdiff(before, now) > CHANGE))


def detect(stream: Consumer, every: int, share: float, folder: Path | None, publisher: MotionPublisher | None) -> None:
    """Print and publish an event for each picture that differs from the one before, until the stream ends."""
    before: Gray | None = None
    for frame, picture in grays(stream, every):
        small: Gray = cv2.resize(picture, SMALL, interpolation=cv2.INTER_AREA).astype(numpy.uint8)
        changed = changed_share(before, small) if before is not None else 0.0
        before = small
        if publisher is not None:
            publisher.looked()
        if changed >= share:
            event: dict[str, object] = {
                "event": "motion",
                "frame": frame.number,
                "time_ms": frame.timestamp_ms,
                "changed": changed,
            }
            if folder is not None:
                path = folder / f"motion-{frame.number:012}.jpg"
                cv2.imwrite(str(path), picture)
                event["picture"] = str(path)
            print(json.dumps(event), flush=True)
            if publisher is not None:
                publisher.moved(json.dumps(event), cv2.imencode(".jpg", picture)[1].tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ring", nargs="?")
    parser.add_argument(
        "--every", type=int, default=0, metavar="N", help="examine every Nth frame instead of keyframes"
    )
    parser.add_argument(
        "--share", type=float, default=0.02, help="share of the picture that has to change (default: 0.02)"
    )
    parser.add_argument("--folder", type=Path, help="save the pictures here")
    add_arguments(parser)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C, as process 1 of a container too
    policy: Literal["every", "keyframes"] = "every" if arguments.every else "keyframes"
    with (
        contextlib.suppress(KeyboardInterrupt),
        publisher_of(parser, arguments, ring_name(arguments.ring)) as publisher,
        Consumer(
            arguments.ring,
            publish=True,
            start="keyframe",
            policy=policy,
            resync=True,
            reconnect=publisher is not None,
        ) as stream,
    ):
        detect(stream, arguments.every or 1, arguments.share, arguments.folder, publisher)


if __name__ == "__main__":
    main()
