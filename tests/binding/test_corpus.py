# SPDX-License-Identifier: Apache-2.0
"""The streams of tests/corpus are what their table says, and ours are made anew as they are."""

from collections import Counter

import pytest
from corpus import readme
from corpus.encoders import RUN
from corpus.files import FILES
from corpus.table import FOLDER, Stream, streams

LARGEST_BYTES = 2_000_000
SOURCES = {".py", ".toml", ".md", ".c", ".js"}
OWN = [stream for stream in streams() if stream.encoder in ("own", "edited")]


def test_there_are_enough_of_many_encoders() -> None:
    encoders = Counter(stream.encoder for stream in streams())
    assert len(streams()) >= 60
    assert len(encoders.keys() - {"own", "edited"}) >= 5
    assert {stream.codec for stream in streams()} == {"h264", "h265"}


def test_every_file_is_in_the_table() -> None:
    known = {stream.name for stream in streams()} | {file.name for file in FILES}
    found = {path for path in FOLDER.iterdir() if path.is_file() and path.suffix not in SOURCES}
    assert {path.name for path in found} == known
    assert sum(path.stat().st_size for path in found) < LARGEST_BYTES


def test_the_readme_says_what_the_table_says() -> None:
    assert readme.is_true(), "python tests/corpus/make.py --table"


@pytest.mark.parametrize("stream", OWN, ids=str)
def test_our_own_streams_come_out_of_their_recipes(stream: Stream) -> None:
    assert RUN[stream.encoder](stream.recipe) == stream.data


@pytest.mark.parametrize("stream", streams(), ids=str)
def test_a_row_is_whole(stream: Stream) -> None:
    assert len(stream.entries) == len(stream.sizes) > 0
    assert set(stream.entries) <= set("IR.")
    assert stream.begin + sum(stream.sizes) == stream.path.stat().st_size
