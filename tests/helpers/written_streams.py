# SPDX-License-Identifier: Apache-2.0
"""Rings with a stream to record."""

from encoded import FPS, HEIGHT, WIDTH, access_units

from vshm_ctypes import Producer

FRAMES = 60
FRAME_NS = 1_000_000_000 // FPS


def write(producer: Producer, number: int) -> None:
    """Write picture number, with the time of its turn, whenever it is written; after the last comes the first."""
    data, keyframe = access_units(FRAMES)[number % FRAMES]
    with producer.reserve() as slot:
        slot.data[: len(data)] = data
        capture_ns = 1_000_000_000 + number * FRAME_NS
        slot.commit(len(data), keyframe=keyframe, width=WIDTH, height=HEIGHT, fps=FPS, capture_ns=capture_ns)
