# SPDX-License-Identifier: Apache-2.0
"""Object detection: finds faces with the small model in OpenCV's package, at the detector's own pace.

python -m vshm_ctypes.examples.object_detection [RING] [--model haarcascade_fullbody.xml]

A detector is slower than a camera, and keeps up by reading the newest picture only. Those that it skips are counted as
its own choice; other readers of the ring lose nothing, and the camera does not wait.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

from vshm_ctypes.examples import ends_plainly

try:
    import cv2
    import cv2.data

    from vshm_ctypes import Pictures
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed: pip install 'video-shm[examples]'")


def detect(ring: str | None, model: str, pause_s: float) -> None:
    """Print what is found in each picture, until the producer closes the ring. pause_s imitates a slower model."""
    path = Path(cv2.data.haarcascades) / model
    detector = cv2.CascadeClassifier(str(path))
    if detector.empty():
        raise SystemExit(
            f"{path}: no such model; there are {', '.join(sorted(p.name for p in path.parent.glob('*.xml')))}"
        )
    with Pictures(ring, format="grey", publish=True) as pictures:
        for picture in pictures:
            begin = time.monotonic()
            boxes = detector.detectMultiScale(picture.array(), scaleFactor=1.1, minNeighbors=4)
            found = [dict(zip(("x", "y", "width", "height"), map(int, box), strict=True)) for box in boxes]
            told = {"frame": picture.number, "seconds": round(time.monotonic() - begin, 4), "objects": found}
            print(json.dumps(told), flush=True)
            time.sleep(pause_s)
        print(json.dumps(dataclasses.asdict(pictures.books)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ring", nargs="?")
    parser.add_argument("--model", default="haarcascade_frontalface_default.xml", help="file in cv2.data.haarcascades")
    parser.add_argument("--pause", type=float, default=0, metavar="S", help="pause after each picture (default: 0)")
    arguments = parser.parse_args()
    with ends_plainly():
        detect(arguments.ring, arguments.model, arguments.pause)


if __name__ == "__main__":
    main()
