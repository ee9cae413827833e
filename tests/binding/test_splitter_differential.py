# SPDX-License-Identifier: Apache-2.0
"""Our splitter against FFmpeg's parser and GStreamer's: on the corpus, and on changes to it that the standards allow.

VIDEO_SHM_LONG makes ten times as many changes.
"""

import io
import os
import random
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import av
import pytest
from corpus.bits import split
from corpus.table import Stream, streams
from disagreements import FFMPEG, GSTREAMER, KNOWN, Case, Disagreement, How, Picture, explain, known
from mutations import SYNTAXES, mutated
from parsers import FFMPEG_NAMES, GStreamer, Unit, by_ffmpeg, by_splitter, decoded, in_pieces, pictures, slices

MUTATIONS = 10_000 * (10 if "VIDEO_SHM_LONG" in os.environ else 1)
BLOCKS = 20
CUT = 0.15  # of the changed streams their begin is cut off
DECODED = 0.04  # of the changed streams are decoded
MUTABLE_BYTES = 12_000
CUT_WRONG_BY_FFMPEG = "redundant_pictures"  # so it can't decode the whole
UNCUTTABLE = {"h264": "field arbitrary redundant", "h265": ""}  # by their names, those whose begin alone tells pictures


@pytest.fixture(scope="module")
def gstreamer() -> Iterator[GStreamer]:
    parser = GStreamer()
    yield parser
    parser.close()


def expected(stream: Stream) -> list[bytes]:
    """Return the stream's access units, by the sizes in the table."""
    data, found, at = stream.data, [], stream.begin
    for size in stream.sizes:
        found.append(data[at : at + size])
        at += size
    return found


def disagreements(
    case: Case, codec: str, ours: list[Unit], theirs: list[Unit], who: str
) -> tuple[set[Disagreement], str]:
    """Return the known disagreements that were met, and the differences that none of them explains."""
    may = known(case, who)
    taken = explain(pictures(ours, codec), pictures(theirs, codec), {one.how for one in may}, case.slices)
    if taken is None:
        return set(), f"{who} cuts {len(theirs)} access units, where ours are {len(ours)}"
    if who == FFMPEG and How.REGROUPS not in taken and entries(ours, theirs, codec) != entries(theirs, ours, codec):
        taken = taken | {How.KEYS}
        if not any(one.how is How.KEYS for one in may):
            return set(), f"{who}'s entry points {keys(theirs)} are not ours {keys(ours)}"
    return {one for one in may if one.how in taken}, ""


def entries(units: list[Unit], others: list[Unit], codec: str) -> list[bytes]:
    """Return the first slices of the entry points, as far as access units of the others begin there, too."""
    begins = {picture[0] for picture in pictures(others, codec) if picture}
    firsts = [(slices(unit.data, codec)[:1], unit.entry) for unit in units]
    return [first[0] for first, entry in firsts if entry != "." and first and first[0] in begins]


def keys(units: list[Unit]) -> str:
    return "".join(unit.entry for unit in units)


# ---- the corpus ----


@pytest.mark.parametrize("stream", streams(), ids=str)
def test_a_stream_is_cut_as_its_table_says(stream: Stream) -> None:
    for seed in range(3):
        units = by_splitter(stream.codec, in_pieces(stream.data, random.Random(seed)))
        assert [unit.data for unit in units] == expected(stream)
        assert keys(units) == stream.entries


def held_against_others(
    case: Case, codec: str, data: bytes, pieces: list[bytes], gstreamer: GStreamer
) -> tuple[set[Disagreement], list[str]]:
    """Return known disagreements that were met, and unexplained ones. GStreamer gets the stream in one piece.

    In pieces it gives up with "Invalid H.264 stream" where a piece ends within the header of a prefix NAL unit or
    right behind an end of sequence.
    """
    ours = by_splitter(codec, pieces)
    theirs = [(FFMPEG, by_ffmpeg(codec, pieces)), (GSTREAMER, gstreamer.units(codec, [data]))]
    met, wrong = set(), []
    for who, units in theirs:
        found, unexplained = disagreements(case, codec, ours, units, who)
        met |= found
        wrong += [unexplained] if unexplained else []
    return met, wrong


@pytest.mark.parametrize("stream", streams(), ids=str)
def test_the_others_cut_a_stream_alike_or_it_is_explained(stream: Stream, gstreamer: GStreamer) -> None:
    assert corpus_disagreements(stream, gstreamer)[1] == []


def corpus_disagreements(stream: Stream, gstreamer: GStreamer) -> tuple[set[Disagreement], list[str]]:
    case = case_of(stream, (), expected(stream), cut="begins" in stream.name)
    pieces = in_pieces(stream.data, random.Random(stream.name))
    return held_against_others(case, stream.codec, stream.data, pieces, gstreamer)


@pytest.mark.parametrize("stream", [stream for stream in streams() if stream.frames is not None], ids=str)
def test_units_decode_to_the_pictures_of_the_whole(stream: Stream) -> None:
    shown = decoded(stream.codec, [unit.data for unit in by_splitter(stream.codec, [stream.data])])
    assert len(shown) == stream.frames
    if stream.name.startswith(CUT_WRONG_BY_FFMPEG):
        return
    with av.open(io.BytesIO(stream.data), "r", format=FFMPEG_NAMES[stream.codec]) as container:
        whole = [bytes(packet) for packet in container.demux() if packet.size]
    assert shown == decoded(stream.codec, whole)


# ---- changed streams ----


class Original(NamedTuple):
    stream: Stream
    access: list[list[bytes]]  # NAL units of access units
    shown: list[int]


@cache
def originals() -> tuple[Original, ...]:
    return tuple(
        Original(
            stream,
            [split(unit) for unit in expected(stream)],
            decoded(stream.codec, expected(stream)) if stream.frames else [],
        )
        for stream in streams()
        if len(stream.data) < MUTABLE_BYTES and "begins" not in stream.name
    )


def case_of(stream: Stream, done: tuple[str, ...], units: list[bytes], cut: bool = False) -> Case:
    syntax = SYNTAXES[stream.codec]
    ends = syntax.kind(split(units[-1])[-1]) in ((36, 37) if stream.codec == "h265" else (10, 11))
    return Case(stream.name, done, max(len(slices(unit, stream.codec)) for unit in units), cut, ends)


def without_begin(units: list[bytes], codec: str, chance: random.Random) -> tuple[bytes, list[Picture]]:
    """Return a stream whose first bytes are missing, and the pictures that are whole in it."""
    data = b"".join(units)
    rest = data[chance.randint(1, len(data) // 2) :]
    left = list(slices(rest, codec))
    whole: list[Picture] = []
    for unit in reversed(units):
        picture = slices(unit, codec)
        if len(left) < len(picture):
            break
        del left[len(left) - len(picture) :]
        whole.insert(0, picture)
    return rest, whole


def judge(seed: int, gstreamer: GStreamer) -> tuple[set[Disagreement], list[str]]:
    """Return the known disagreements that a changed stream met, and what is wrong with it."""
    chance = random.Random(seed)
    original = chance.choice(originals())
    stream = original.stream
    changed = mutated(stream.codec, original.access, chance)
    cuttable = not any(word in stream.name for word in UNCUTTABLE[stream.codec].split())
    cut = cuttable and chance.random() < CUT
    data, truth = changed.data, [slices(unit, stream.codec) for unit in changed.units]
    if cut:
        data, truth = without_begin(changed.units, stream.codec, chance)
    pieces = in_pieces(data, chance)
    ours = by_splitter(stream.codec, pieces)
    wrong = []
    if pictures(ours, stream.codec) != truth:
        wrong.append(f"ours are {len(ours)} pictures, not {len(truth)}, or others")
    elif not cut and [unit.data for unit in ours] != changed.units:
        wrong.append("ours has borders elsewhere")
    if keys(ours)[cut:] != stream.entries[len(stream.entries) - len(ours) :][cut:]:
        wrong.append(f"our entry points are {keys(ours)}, not {stream.entries}")
    judged = not cut and original.shown and chance.random() < DECODED
    if judged and decoded(stream.codec, [unit.data for unit in ours]) != original.shown:
        wrong.append("other pictures are decoded")
    case = case_of(stream, changed.done, changed.units, cut)
    met, unexplained = held_against_others(case, stream.codec, data, pieces, gstreamer)
    wrong += unexplained
    return met, [f"seed {seed}, {stream.name}, {', '.join(changed.done)}{', cut' * cut}: {one}" for one in wrong]


@pytest.mark.parametrize("block", range(BLOCKS))
def test_changes_that_the_standards_allow_change_nothing(block: int, gstreamer: GStreamer) -> None:
    wrong = []
    for seed in range(block, MUTATIONS, BLOCKS):
        wrong += judge(seed, gstreamer)[1]
        if len(wrong) > 9:
            break
    assert wrong == []


def test_every_disagreement_in_the_table_is_met(gstreamer: GStreamer) -> None:
    """One that is not has been mended by them, or never was."""
    met: set[Disagreement] = set()
    for stream in streams():
        met |= corpus_disagreements(stream, gstreamer)[0]
    for seed in range(300):
        met |= judge(seed, gstreamer)[0]
    assert {(one.name, one.who) for one in KNOWN} - {(one.name, one.who) for one in met} == set()
