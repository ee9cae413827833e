# SPDX-License-Identifier: Apache-2.0
"""Known cases in which FFmpeg's or GStreamer's parser splits a stream differently: who, in what, how, and why.

FFmpeg is that of PyAV (8.1); GStreamer is that of Debian 12 (1.22), and 1.26 of Debian 13 does the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

FFMPEG, GSTREAMER = "FFmpeg", "GStreamer"
Picture = tuple[bytes, ...]  # the slices of an access unit


class How(Enum):
    """How the other parser's access units differ."""

    SPLITS = "cuts access units into more of them"
    REGROUPS = "mixes slices of different pictures"
    MORE = "has a part of a picture at the begin"
    LESS = "has no pictures at the begin"
    END = "has no last picture"
    KEYS = "has other entry points"


class Case(NamedTuple):
    """A stream of the corpus, its mutations, and the largest number of slices of a picture."""

    stream: str
    done: tuple[str, ...]
    slices: int
    cut: bool = False  # its first bytes are gone
    ends: bool = False  # its last NAL unit is an end of sequence or of stream


@dataclass(frozen=True)
class Disagreement:
    """name: of the kind of stream. applies: to which cases."""

    name: str
    who: str
    how: How
    applies: Callable[[Case], bool]
    why: str


def _fields(case: Case) -> bool:
    return "field" in case.stream and case.stream.endswith(".h264") and not case.stream.startswith(("x264", "Kvazaar"))


def _opened_between(case: Case) -> bool:
    return "openers between slices" in case.done and case.slices > 1


FIELDS = (
    "By H.264 3.1 each field is a coded picture, and so 7.4.1.2 gives each an access unit. Decoders, and samples of "
    "files (ISO/IEC 14496-15), take both fields of a frame at once, and so does a slot of a ring."
)
ORDER = "Arbitrary slice order (H.264 A.2.1): both believe that first_mb_in_slice rises within a picture."
REDUNDANT = (
    "By H.264 7.4.1.2.4 slices that differ in redundant_pic_cnt alone belong to one picture; both take "
    "first_mb_in_slice 0 for the beginning of another one."
)
KNOWN = (
    Disagreement("field pairs", FFMPEG, How.SPLITS, _fields, FIELDS),
    Disagreement("field pairs", GSTREAMER, How.SPLITS, _fields, FIELDS),
    Disagreement("arbitrary slice order", FFMPEG, How.REGROUPS, lambda case: "arbitrary" in case.stream, ORDER),
    Disagreement("arbitrary slice order", GSTREAMER, How.REGROUPS, lambda case: "arbitrary" in case.stream, ORDER),
    Disagreement("redundant pictures", FFMPEG, How.SPLITS, lambda case: "redundant" in case.stream, REDUNDANT),
    Disagreement("redundant pictures", GSTREAMER, How.SPLITS, lambda case: "redundant" in case.stream, REDUNDANT),
    Disagreement(
        "prefix NAL units between slices",
        GSTREAMER,
        How.SPLITS,
        lambda case: (
            case.stream.endswith(".h264")
            and case.slices > 1
            and ("prefix NAL units" in case.done or "layers" in case.stream)
        ),
        "By H.264 7.4.1.2.3 type 14 begins an access unit behind a picture's last slice only; it takes each for one.",
    ),
    Disagreement(
        "second layer",
        GSTREAMER,
        How.SPLITS,
        lambda case: "second layer" in case.done or "second_layer" in case.stream,
        "By H.265 7.4.2.4.4 only slices of nuh_layer_id 0 begin an access unit; it does not look at the layer.",
    ),
    Disagreement(
        "openers between slices",
        FFMPEG,
        How.REGROUPS,
        _opened_between,
        "By H.265 7.4.2.4.4 they begin an access unit if no further slice of the picture follows. It does not "
        "wait, and the rest of the picture goes with the next one.",
    ),
    Disagreement(
        "openers between slices",
        GSTREAMER,
        How.SPLITS,
        _opened_between,
        "By H.265 7.4.2.4.4 they begin an access unit if no further slice of the picture follows. It does not wait.",
    ),
    Disagreement(
        "end of bitstream",
        FFMPEG,
        How.SPLITS,
        lambda case: case.ends and case.stream.endswith(".h265"),
        "It gives the last end of bitstream NAL unit as a packet without a picture.",
    ),
    Disagreement(
        "end of stream at the end",
        GSTREAMER,
        How.END,
        lambda case: case.ends,
        "Where such a NAL unit is the last of all and has a zero behind it, it takes the stream for invalid there.",
    ),
    Disagreement(
        "begins mid-picture",
        FFMPEG,
        How.MORE,
        lambda case: case.cut,
        "It hands out what is left of a picture whose begin is missing, in H.265 together with the next one; a decoder "
        "can only guess at the rest.",
    ),
    Disagreement(
        "begins mid-picture",
        GSTREAMER,
        How.LESS,
        lambda case: case.cut,
        "It drops all that comes before the first parameter sets.",
    ),
    Disagreement(
        "one reference picture",
        FFMPEG,
        How.KEYS,
        lambda case: "one_reference" in case.stream,
        "Where an SPS permits one reference picture only, it takes each I picture for an entry point, as a heuristic.",
    ),
)


def known(case: Case, who: str) -> tuple[Disagreement, ...]:
    """Return the disagreements that may occur in a case."""
    return tuple(one for one in KNOWN if one.who == who and one.applies(case))


def explain(ours: list[Picture], theirs: list[Picture], hows: set[How], most: int) -> set[How] | None:
    """Return which permitted disagreements occurred, or None if they do not explain the difference.

    most: largest number of slices in a picture.
    """
    if ours == theirs:
        return set()
    if How.REGROUPS in hows:
        return {How.REGROUPS}
    taken: set[How] = set()
    mine, other = Cuts.of(ours), Cuts.of(theirs)
    if How.END in hows and (lost := mine.lacking_at_end(other, len(ours[-1]))):
        mine = mine.part(0, len(mine.slices) - lost)
        taken.add(How.END)
    front = hows & {How.MORE, How.LESS}
    if front and mine.slices != other.slices:
        if How.MORE in front:  # in front of the first picture, or in one packet with it
            other.borders.add(max(len(other.slices) - len(mine.slices), 0))
        shorter, common = mine.common_end(other), other.common_end(mine)
        surplus, lack = len(other.slices) - len(common.slices), len(mine.slices) - len(shorter.slices)
        if (surplus and (How.MORE not in hows or surplus >= most)) or (lack and How.LESS not in hows):
            return None
        mine, other = shorter, common
        taken |= front
    if mine == other and len(theirs) == len([picture for picture in theirs if picture]):
        return taken
    if How.SPLITS in hows and mine.slices == other.slices and mine.borders <= other.borders:
        return taken | {How.SPLITS}
    return taken if mine == other and front else None


class Cuts(NamedTuple):
    """The slices in order, and the indices at which a picture begins, including that after the last slice."""

    slices: list[bytes]
    borders: set[int]

    @classmethod
    def of(cls, pictures: list[Picture]) -> "Cuts":
        borders = {0}
        for picture in pictures:
            borders.add(max(borders) + len(picture))
        return cls([one for picture in pictures for one in picture], borders)

    def part(self, begin: int, end: int) -> "Cuts":
        return Cuts(self.slices[begin:end], {at - begin for at in self.borders | {begin, end} if begin <= at <= end})

    def lacking_at_end(self, other: "Cuts", most: int) -> int:
        """Return how many slices at the end the other one lacks; 0 if there is any other difference."""
        if self.slices[-1:] == other.slices[-1:]:
            return 0
        return next((n for n in range(1, most + 1) if self.slices[:-n][-1:] == other.slices[-1:]), 0)

    def common_end(self, other: "Cuts") -> "Cuts":
        """Return the pictures at the end with slices that the other one has too, back to a common border."""
        count = 0
        for mine, its in zip(reversed(self.slices), reversed(other.slices), strict=False):
            if mine != its:
                break
            count += 1
        both = {len(self.slices) - at for at in self.borders} & {len(other.slices) - at for at in other.borders}
        return self.part(len(self.slices) - max(at for at in both if at <= count), len(self.slices))
