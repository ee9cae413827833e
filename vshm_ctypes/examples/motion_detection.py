# SPDX-License-Identifier: Apache-2.0
"""Motion detection: an event, with a picture, whenever enough of the picture changes.

python -m vshm_ctypes.examples.motion_detection [RING] [--every N] [--share 0.02] [--folder DIR] [--mqtt URL]

By default only keyframes are decoded, about one a second, which costs a small board very little. With --every N each
frame is decoded, as H.264 requires, and every Nth is examined.

With --mqtt, Home Assistant finds a motion sensor and its last picture by itself, and the program goes on when camera
or broker come back.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from vshm_ctypes import ring_name
from vshm_ctypes.examples import ends_plainly

try:
    import cv2
    import numpy

    from vshm_ctypes import Pictures
    from vshm_ctypes.examples.mqtt import MotionPublisher, add_arguments, publisher_of
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed: pip install 'video-shm[examples]'")

SMALL = (160, 120)  # pixels; averages noise away
CHANGE = 24  # of such a pixel, out of 255


def detect(
    pictures: Pictures, every: int, share: float, folder: Path | None, publisher: MotionPublisher | None
) -> None:
    """Print and publish an event for each picture that differs from the one before, until the ring ends."""
    before: Any = None
    for picture in islice(pictures, 0, None, every):
        small = cv2.resize(picture.array(), SMALL, interpolation=cv2.INTER_AREA)
        changed = float(numpy.mean(cv2.absdiff(before, small) > CHANGE)) if before is not None else 0.0
        before = small
        if publisher is not None:
            publisher.looked()
        if changed >= share:
            event: dict[str, object] = {
                "event": "motion",
                "frame": picture.number,
                "time_ms": picture.timestamp_ms,
                "changed": changed,
            }
            if folder is not None:
                path = folder / f"motion-{picture.number:012}.jpg"
                cv2.imwrite(str(path), picture.array())
                event["picture"] = str(path)
            print(json.dumps(event), flush=True)
            if publisher is not None:
                publisher.moved(json.dumps(event), cv2.imencode(".jpg", picture.array())[1].tobytes())


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
    with (
        ends_plainly(),
        publisher_of(parser, arguments, ring_name(arguments.ring)) as publisher,
        Pictures(
            arguments.ring,
            policy="every" if arguments.every else "keyframes",
            format="grey",
            publish=True,
            reconnect=publisher is not None,
        ) as pictures,
    ):
        detect(pictures, arguments.every or 1, arguments.share, arguments.folder, publisher)


if __name__ == "__main__":
    main()
