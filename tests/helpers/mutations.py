# SPDX-License-Identifier: Apache-2.0
"""Changes a stream in ways that the standards allow and that leave its pictures as they are.

Sources: ITU-T H.264 7.4.1.2.3 and H.265 7.4.2.4.4 (which NAL units may stand where), annex B of both (start codes and
zeros). Each takes the access units as lists of NAL units without start codes, and changes some of them.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from corpus.bits import Bits, escaped
from corpus.edits import of_h265

Units = list[bytes]
Access = list[Units]  # a stream: access units of NAL units
Mutation = Callable[[Access, random.Random], None]

UUID = bytes(range(16))
TEXTS = [b"text", b"\0\0\0", b"\0\0\1\x65", b"\xff" * 40, bytes(range(256))]


class Mutated(NamedTuple):
    """A stream in access units, and the changes that were made."""

    units: list[bytes]
    done: tuple[str, ...]

    @property
    def data(self) -> bytes:
        return b"".join(self.units)


@dataclass(frozen=True)
class Syntax:
    """The NAL unit types of a codec, and the size of its header in bytes."""

    h265: bool
    slices: frozenset[int]
    sets: tuple[int, ...]
    delimiter: int
    messages: frozenset[int]
    before: tuple[int, ...]  # reserved and unspecified types that may stand in front of the first slice
    behind: tuple[int, ...]  # those that may stand behind it, also between slices

    def kind(self, unit: bytes) -> int:
        return unit[0] >> 1 & 0x3F if self.h265 else unit[0] & 0x1F

    def is_slice(self, unit: bytes) -> bool:
        return self.kind(unit) in self.slices and not (self.h265 and unit[1] >> 3)

    def of_kind(self, kind: int, payload: bytes, temporal: int = 1) -> bytes:
        return of_h265(kind, payload, temporal=temporal) if self.h265 else bytes([kind]) + escaped(payload)


H264 = Syntax(
    h265=False,
    slices=frozenset({1, 5}),
    sets=(7, 8),
    delimiter=9,
    messages=frozenset({6}),
    before=(16, 17, 18),
    behind=(12, 22, 23, 24, 25, 28, 31),
)
H265 = Syntax(
    h265=True,
    slices=frozenset(range(32)),
    sets=(32, 33, 34),
    delimiter=35,
    messages=frozenset({39}),
    before=(41, 42, 43, 44, 48, 55),
    behind=(38, 45, 46, 47, 56, 63),
)
SYNTAXES = {"h264": H264, "h265": H265}


def first_slice(unit: Units, syntax: Syntax) -> int:
    """Return the index of the first slice, or of a prefix NAL unit that belongs to it."""
    at = next(number for number, nal in enumerate(unit) if syntax.is_slice(nal))
    return at - 1 if at and not syntax.h265 and syntax.kind(unit[at - 1]) == 14 else at


def temporal_of(unit: Units, syntax: Syntax) -> int:
    """Return nuh_temporal_id_plus1 of an access unit."""
    return unit[first_slice(unit, syntax)][1] & 7 if syntax.h265 else 1


def message(chance: random.Random) -> bytes:
    """Return a message user_data_unregistered, which decoders ignore."""
    payload = UUID + chance.choice(TEXTS)
    size = b"\xff" * (len(payload) // 255) + bytes([len(payload) % 255])
    return b"\x05" + size + payload + b"\x80"


def some(stream: Access, chance: random.Random) -> list[Units]:
    """Return a random choice of access units, at least one."""
    share = chance.choice([0.1, 0.5, 1.0])
    return [unit for unit in stream if chance.random() < share] or [chance.choice(stream)]


class Mutator:
    """The changes for one codec, by name."""

    def __init__(self, codec: str) -> None:
        self.syntax = SYNTAXES[codec]
        self.changes: dict[str, Mutation] = {
            "delimiters": self.delimiters,
            "messages": self.messages,
            "reserved in front": self.reserved_in_front,
            "filler and reserved behind": self.behind,
            "parameter sets repeated": self.parameter_sets,
            "end of sequence": self.end_of_sequence,
        }
        if self.syntax.h265:
            self.changes |= {
                "suffix messages": self.suffix_messages,
                "second layer": self.second_layer,
                "openers between slices": self.openers_between,
            }
        else:
            self.changes |= {"prefix NAL units": self.prefixes}

    def delimiters(self, stream: Access, chance: random.Random) -> None:
        """Insert delimiters before some access units, or remove them all."""
        syntax = self.syntax
        if any(syntax.kind(nal) == syntax.delimiter for unit in stream for nal in unit):
            for unit in some(stream, chance):
                unit[:] = [nal for nal in unit if syntax.kind(nal) != syntax.delimiter]
        else:
            any_picture = Bits().u(3, 2 if syntax.h265 else 7).end()
            for unit in some(stream, chance):
                unit.insert(0, syntax.of_kind(syntax.delimiter, any_picture, temporal_of(unit, syntax)))

    def messages(self, stream: Access, chance: random.Random) -> None:
        """Insert an SEI message before the first slice, after all other messages."""
        kind = 39 if self.syntax.h265 else 6
        for unit in some(stream, chance):
            nal = self.syntax.of_kind(kind, message(chance), temporal_of(unit, self.syntax))
            unit.insert(first_slice(unit, self.syntax), nal)

    def reserved_in_front(self, stream: Access, chance: random.Random) -> None:
        """Insert a reserved or unspecified NAL unit before the first slice, after delimiter and parameter sets."""
        for unit in some(stream, chance):
            nal = self.syntax.of_kind(chance.choice(self.syntax.before), b"\x12\x80", temporal_of(unit, self.syntax))
            unit.insert(first_slice(unit, self.syntax), nal)

    def behind(self, stream: Access, chance: random.Random) -> None:
        """Insert filler, reserved and unspecified NAL units after the first slice, also between slices."""
        for unit in some(stream, chance):
            if self._ends(unit):
                continue
            at = self._behind_first_slice(unit, chance)
            kind = chance.choice(self.syntax.behind)
            filler = kind in (12, 38)
            payload = b"\xff" * chance.randint(1, 30) + b"\x80" if filler else b"\x77" + chance.choice(TEXTS) + b"\x80"
            unit.insert(at, self.syntax.of_kind(kind, payload, temporal_of(unit, self.syntax)))

    def parameter_sets(self, stream: Access, chance: random.Random) -> None:
        """Repeat the active parameter sets in access units without any."""
        syntax = self.syntax
        known: dict[bytes, bytes] = {}
        chosen = {id(unit) for unit in some(stream, chance)}
        for unit in stream:
            there = [nal for nal in unit if syntax.kind(nal) in syntax.sets]
            if there:
                known |= {nal[: 4 if syntax.h265 else 2]: nal for nal in there}
            elif id(unit) in chosen and temporal_of(unit, syntax) == 1:
                at = 1 if syntax.kind(unit[0]) == syntax.delimiter else 0
                unit[at:at] = sorted(known.values(), key=syntax.kind)

    def end_of_sequence(self, stream: Access, chance: random.Random) -> None:
        """Insert an end of sequence before an IDR picture, or an end of stream after the last access unit."""
        sequence, whole = (36, 37) if self.syntax.h265 else (10, 11)
        for unit, following in pairwise(stream):
            if not self._ends(unit) and self._is_idr(following) and chance.random() < 0.7:
                unit.append(self.syntax.of_kind(sequence, b""))
        if not self._ends(stream[-1]) and chance.random() < 0.5:
            stream[-1].append(self.syntax.of_kind(whole, b""))

    def suffix_messages(self, stream: Access, chance: random.Random) -> None:
        """H.265: insert suffix SEI messages after slices, also between them."""
        for unit in some(stream, chance):
            if not self._ends(unit):
                at = self._behind_first_slice(unit, chance)
                unit.insert(at, self.syntax.of_kind(40, message(chance), temporal_of(unit, self.syntax)))

    def openers_between(self, stream: Access, chance: random.Random) -> None:
        """H.265: insert NAL units that usually begin an access unit between the slices of one."""
        for unit in some(stream, chance):
            places = [number for number, nal in enumerate(unit) if self.syntax.is_slice(nal)][1:]
            if places:
                nal = self.syntax.of_kind(chance.choice([41, 48, 39]), message(chance), temporal_of(unit, self.syntax))
                unit.insert(chance.choice(places), nal)

    def second_layer(self, stream: Access, chance: random.Random) -> None:
        """H.265: append a copy of the slices in layer 1."""
        for unit in some(stream, chance):
            if not self._ends(unit):
                unit += [bytes([nal[0], nal[1] | 1 << 3]) + nal[2:] for nal in unit if self.syntax.is_slice(nal)]

    def prefixes(self, stream: Access, chance: random.Random) -> None:
        """H.264: insert a prefix NAL unit before each slice, as multiview encoders do."""
        if any(self.syntax.kind(nal) in (14, 19, 20) for unit in stream for nal in unit):
            return
        for unit in some(stream, chance):
            out: Units = []
            for nal in unit:
                if self.syntax.is_slice(nal):
                    out.append(bytes([nal[0] & 0x60 | 14, 0x40 if self.syntax.kind(nal) != 5 else 0, 0, 7]))
                out.append(nal)
            unit[:] = out

    def _behind_first_slice(self, unit: Units, chance: random.Random) -> int:
        """Return a random index after the first slice, but not between a prefix NAL unit and its slice."""
        first = next(number for number, nal in enumerate(unit) if self.syntax.is_slice(nal))
        at = chance.randint(first + 1, len(unit))
        return at - 1 if not self.syntax.h265 and self.syntax.kind(unit[at - 1]) == 14 else at

    def _is_idr(self, unit: Units) -> bool:
        kinds = {self.syntax.kind(nal) for nal in unit if self.syntax.is_slice(nal)}
        return bool(kinds & ({19, 20} if self.syntax.h265 else {5}))

    def _ends(self, unit: Units) -> bool:
        return self.syntax.kind(unit[-1]) in ((36, 37) if self.syntax.h265 else (10, 11))


def in_bytes(stream: Access, syntax: Syntax, chance: random.Random) -> list[bytes]:
    """Return the bytes, with start codes of 3 or 4 bytes where both are allowed, and zeros after some NAL units.

    The start code before an access unit and before a parameter set must have 4 bytes.
    """
    share = chance.choice([0, 0.5, 1])
    zeros = chance.choice([0, 0, 0.1])
    found = []
    for unit in stream:
        out = bytearray()
        for number, nal in enumerate(unit):
            long = number == 0 or syntax.kind(nal) in syntax.sets or chance.random() < share
            out += (b"\0\0\0\1" if long else b"\0\0\1") + nal
            if chance.random() < zeros:
                out += bytes(chance.randint(1, 9))
        found.append(bytes(out))
    return found


def mutated(codec: str, stream: Access, chance: random.Random) -> Mutated:
    """Return a changed stream of the same pictures."""
    copy = [list(unit) for unit in stream]
    mutator = Mutator(codec)
    done = chance.sample(sorted(mutator.changes), chance.randint(1, 4))
    for name in done:
        mutator.changes[name](copy, chance)
    return Mutated(in_bytes(copy, mutator.syntax, chance), tuple(done))
