# SPDX-License-Identifier: Apache-2.0
"""Recorder: records a stream into files of some seconds each, and keeps the latest of them.

python -m vshm_ctypes.examples.recorder [RING] --folder DIR --seconds 60 --keep 60

Each file begins with a keyframe and its parameter sets, which some encoders send once, so that it plays by itself.
Nothing is decoded, so it takes hardly any processor time.
"""

from __future__ import annotations

import argparse
import contextlib
from datetime import datetime
from pathlib import Path

from vshm_ctypes import Codec, Consumer
from vshm_ctypes.bitstream import AccessUnit, ParameterSets, entry_point
from vshm_ctypes.examples import ends_plainly

ENDINGS = {Codec.H264: "h264", Codec.H265: "h265", Codec.JPEG: "mjpeg"}


def record(ring: str | None, folder: Path, seconds: float, keep: int) -> None:
    """Record a ring until its producer closes it."""
    file, begin_ns, sets = None, 0, ParameterSets(Codec.H264)
    with Consumer(ring, publish=True, start="keyframe", resync=True) as stream, contextlib.ExitStack() as files:
        for frame in stream:
            if frame.codec != sets.codec:
                sets = ParameterSets(Codec(frame.codec))
            unit = sets.complete(AccessUnit(frame.data, entry_point(frame.data, sets.codec)))
            if frame.is_keyframe and (file is None or frame.capture_ns - begin_ns >= seconds * 1e9):
                files.close()
                begin_ns = frame.capture_ns
                ending = ENDINGS[Codec(frame.codec)]
                path = folder / f"{datetime.now():%Y%m%d-%H%M%S}-{frame.number:012}.{ending}"
                file = files.enter_context(path.open("wb", buffering=0))
                print(path, flush=True)
                for old in sorted(folder.glob(f"*.{ending}"))[:-keep]:
                    old.unlink()
            if file is not None:
                file.write(unit.data)
            if frame.missed_before:
                print(f"missed {frame.missed_before} frames before frame {frame.number}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ring", nargs="?")
    parser.add_argument("--folder", type=Path, default=Path(), help="folder for the files (default: the current one)")
    parser.add_argument("--seconds", type=float, default=60, help="length of each file (default: 60)")
    parser.add_argument("--keep", type=int, default=60, help="number of files to keep (default: 60)")
    arguments = parser.parse_args()
    with ends_plainly():
        record(arguments.ring, arguments.folder, arguments.seconds, arguments.keep)


if __name__ == "__main__":
    main()
