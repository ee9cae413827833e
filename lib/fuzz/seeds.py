#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes inputs that try every word of a ring: seeds.py FOLDER.

Each flips a bit, reads, and flips it back, word after word. Chance would find each of them, but not all within
a minute; the steps are those of fuzz_ring.c.
"""

import itertools
import pathlib
import sys

CHANGE_NOW, CHANGE_LATER, INSPECT, OPEN, RECEIVE, ACQUIRE, RELEASE, WRITER, WRITE = 0, 2, 5, 6, 7, 9, 10, 11, 12
SHRINK = 128 + 13
LOSE, PASS, ASK = 125, 13, 128 + 14
FLIP = 3
OLDEST = 2
SMALL, V1_PLAIN = 0, 62
FIRST_SLOT = 3 * 32  # of the frames that are there, the oldest lies in slot 3, and the next in slot 0
LONGEST = 600  # bytes; run passes on no more

# (region, words in it) as in object.c: header, extension as 64-bit words, a line, a slot's metadata
READ = [OPEN, OLDEST, 0, ACQUIRE, 0, RELEASE, RECEIVE, 3, 0]
REGIONS = {"header": (0, 16), "extension": (2, 32), "line": (3, 8), "meta": (4, 8)}
BITS = (0, 3, 7, 11, 16, 24, 31, 33, 63)


def tries(region, words, later):
    for word, bit in itertools.product(range(words), BITS):
        if region in (0, 4) and bit > 31:
            continue
        flip = [region, word + (FIRST_SLOT if later and region in (3, 4) else 0), FLIP, bit]
        if later:
            yield [OPEN, OLDEST, 0, CHANGE_LATER, later, *flip, *READ[3:], CHANGE_NOW, *flip]
        else:
            yield [CHANGE_NOW, *flip, *READ, INSPECT, 4, CHANGE_NOW, *flip]


def written(words):
    for word, bit in itertools.product(range(words), (11, 31, 63)):
        yield [CHANGE_NOW, 2, word, FLIP, bit, WRITER, 0, WRITE, 8, 0, WRITE, 8, 0, *READ]


def between():
    """Yield inputs in which the size changes at each step from the look at a frame to its copy."""
    for later in range(1, 100):
        flip = [4, FIRST_SLOT + 2, FLIP, 16]
        yield [OPEN, OLDEST, 0, CHANGE_LATER, later, *flip, RECEIVE, 3, 0, CHANGE_NOW, *flip]


def lost():
    """Yield inputs in which a program closes descriptors, asks for them, lets time pass, and ends."""
    begins = ([OPEN, OLDEST, 0], [WRITER, 0], [OPEN, OLDEST, 0, WRITER, 0])
    for taken, begin in itertools.product((0, 255, 85, 170), begins):
        again = [WRITE, 0, 0, ASK, LOSE, taken, ASK, PASS, *READ[3:], PASS, RECEIVE, 3, 0, WRITE, 8, 0]
        yield [*begin, LOSE, taken, PASS, *READ[3:], PASS, RECEIVE, 3, 0, *again, WRITER, 7, LOSE, taken, *READ]


def pack(base, steps, longest=LONGEST, race=0):
    together = [race, base]
    for step in steps:
        if len(together) + len(step) > longest:
            yield bytes(together)
            together = [race, base]
        together += step
    yield bytes(together)


def main(folder):
    inputs = {}
    for name, (region, words) in REGIONS.items():
        for later in (0, 9, 25):
            inputs[f"{name}_{later}"] = pack(SMALL, tries(region, words, later))
    for name in ("header", "meta"):
        inputs[f"v1_{name}"] = pack(V1_PLAIN, tries(*REGIONS[name], 0))
    inputs["between"] = pack(SMALL, between())
    inputs["race"] = pack(SMALL, tries(*REGIONS["meta"], 0), race=255)
    inputs["short"] = pack(SMALL, ([SHRINK, cut & 255, cut >> 8, INSPECT, 4, *READ] for cut in (2, 66, 258, 4098)), 12)
    inputs["writer"] = pack(SMALL, written(32), 80)
    inputs["lost"] = pack(SMALL, lost(), 150)
    for name, parts in inputs.items():
        for number, part in enumerate(parts):
            (pathlib.Path(folder) / f"{name}_{number:02}").write_bytes(part)


main(sys.argv[1])
