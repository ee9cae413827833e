# SPDX-License-Identifier: Apache-2.0
"""Frame analysis: bitrate and quantiser of each second, and events when the picture freezes or turns black.

python -m vshm_ctypes.examples.frame_analysis [RING]

A camera that hangs often goes on delivering the same picture, or a black one. A scene in which nothing moves, and
whose noise the encoder removes, looks frozen too.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from typing import Any

from vshm_ctypes.examples import ends_plainly

try:
    import av
    import numpy
    from numpy.typing import NDArray

    from vshm_ctypes import Picture, Pictures
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed: pip install 'video-shm[examples]'")

FROZEN = 1.0  # mean change out of 255: encoding the same picture again changes less, the noise of a sensor more
BLACK = 20  # out of 255
PATIENCE_S = 1.0  # how long it must last before it is reported
QP = {"export_side_data": "venc_params"}  # makes the H.264 decoder return the encoder's quantisers

Grey = NDArray[numpy.uint8]


def quantiser(picture: av.VideoFrame) -> float | None:
    """Return the mean quantiser of a picture, from 0 (lossless) to 51 (worst), or None if the codec has none."""
    told: Any = picture.side_data.get("VIDEO_ENC_PARAMS")
    return float(told.qp_map().mean()) if told is not None else None


def difference(before: Grey, now: Grey) -> float:
    """Return the mean change of a pixel, 0 to 255."""
    return float(numpy.abs(now - before.astype(numpy.int16)).mean())


@dataclass
class Condition:
    """A fault that lasts. An event is printed when it begins, and when it ends."""

    name: str
    since_ns: int | None = None
    told: bool = False

    def update(self, is_so: bool, picture: Picture) -> None:
        """Take the next picture, and whether it shows the fault."""
        self.since_ns = (self.since_ns or picture.publish_ns) if is_so else None
        lasts = self.since_ns is not None and picture.publish_ns - self.since_ns >= PATIENCE_S * 1e9
        if lasts != self.told:
            self.told = lasts
            text = {"event": self.name, "begins": lasts, "frame": picture.number, "time_ms": picture.timestamp_ms}
            print(json.dumps(text), flush=True)


@dataclass
class Second:
    """The measurements of one second."""

    begin_ns: int
    sizes: list[int] = field(default_factory=list)
    quantisers: list[float] = field(default_factory=list)
    brightness: list[float] = field(default_factory=list)

    def told(self, seconds: float) -> dict[str, Any]:
        """Return what is printed. bit_rate is in bits per second, brightness from 0 to 255."""
        return {
            "fps": round(len(self.sizes) / seconds, 2),
            "bit_rate": round(sum(self.sizes) * 8 / seconds),
            "largest_bytes": max(self.sizes),
            "qp": round(sum(self.quantisers) / len(self.quantisers), 1) if self.quantisers else None,
            "brightness": round(sum(self.brightness) / max(len(self.brightness), 1), 1),
        }


def analyse(ring: str | None) -> None:
    """Analyse a ring until its producer closes it."""
    second: Second | None = None
    reference: Grey | None = None  # the picture at which it may be frozen
    frozen, black = Condition("frozen"), Condition("black")
    with Pictures(ring, policy="every", format="grey", publish=True, options=QP) as pictures:
        for picture in pictures:
            now, qp = picture.array(), quantiser(picture.decoded)
            second = second or Second(picture.publish_ns)
            second.sizes.append(picture.size)
            second.quantisers += [qp] if qp is not None else []
            second.brightness.append(float(now.mean()))
            black.update(float(now.max()) <= BLACK, picture)
            is_same = reference is not None and reference.shape == now.shape and difference(reference, now) <= FROZEN
            frozen.update(is_same, picture)
            reference = reference if is_same else now
            if (seconds := (picture.publish_ns - second.begin_ns) / 1e9) >= 1:
                print(json.dumps(second.told(seconds)), flush=True)
                second = Second(picture.publish_ns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ring", nargs="?")
    with ends_plainly():
        analyse(parser.parse_args().ring)


if __name__ == "__main__":
    main()
