# SPDX-License-Identifier: Apache-2.0
"""The table of promises against video_shm.h, FORMAT.md, and the promises that there are."""

from pathlib import Path

import pytest
from promise_sentences import Sentence, sentences_of_format, sentences_of_header
from writers import ROOT

from hil.gate.promises import PROMISES
from hil.gate.promises.table import read_table, sentences_of

HEADER = (ROOT / "lib" / "include" / "video_shm.h").read_text()
FORMAT = (ROOT / "lib" / "FORMAT.md").read_text()
SAID = {"video_shm.h": sentences_of_header(HEADER), "FORMAT.md": sentences_of_format(FORMAT)}
TABLE = read_table()
MOST_SECONDS, PROCESSORS = 65, 2


def without_row(source: str, said: list[Sentence]) -> list[Sentence]:
    rows = {(entry.where, entry.sentence) for entry in TABLE.entries if entry.source == source}
    return [sentence for sentence in said if sentence not in rows]


@pytest.mark.parametrize("source", SAID)
def test_every_sentence_has_a_row(source: str) -> None:
    """A new or changed one needs one: the promises that ask it, or why no library can be asked."""
    assert without_row(source, SAID[source]) == []


@pytest.mark.parametrize("source", SAID)
def test_every_row_is_of_a_sentence(source: str) -> None:
    said = set(SAID[source])
    rows = [(entry.where, entry.sentence) for entry in TABLE.entries if entry.source == source]
    assert [row for row in rows if row not in said] == []


def test_every_promise_of_a_row_exists() -> None:
    assert [
        (entry.sentence, set(entry.asked_by) - set(PROMISES))
        for entry in TABLE.entries
        if set(entry.asked_by) - set(PROMISES)
    ] == []
    assert set(TABLE.unwritten) <= set(PROMISES)


def test_every_promise_is_of_a_sentence_or_says_why_it_is_asked() -> None:
    asked = {name for entry in TABLE.entries for name in entry.asked_by}
    assert set(PROMISES) - asked == set(TABLE.unwritten)
    assert sentences_of("writes_as_fast_when_it_is_old") == ["A camera runs for years."]


def test_a_reason_is_a_sentence() -> None:
    reasons = [entry.why_not for entry in TABLE.entries if entry.why_not] + list(TABLE.unwritten.values())
    assert [reason for reason in reasons if not reason.endswith(".")] == []


def test_most_sentences_are_asked() -> None:
    assert sum(bool(entry.asked_by) for entry in TABLE.entries) > 0.9 * len(TABLE.entries)


def test_all_of_them_take_about_a_minute() -> None:
    assert set(TABLE.seconds) == set(PROMISES)
    alone = sum(TABLE.seconds[name] for name, promise in PROMISES.items() if promise.measures)
    beside_others = sum(TABLE.seconds.values()) - alone
    assert alone + beside_others / PROCESSORS <= MOST_SECONDS


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Never waits.", "Seldom waits."),
        ("bytes of payload; set by the library", "bytes of payload; set by the caller"),
        ("VIDEO_SHM_STATE_DEAD = 3", "VIDEO_SHM_STATE_DEAD = 4"),
        ("EINVAL: channel is negative.", "EINVAL: channel is negative, or odd."),
        ("EBADF        the handle is not open", "EBADF        the handle is shut"),
        ("\tuint32_t mode;", "\tuint64_t mode;"),
        ("const char *video_shm_version(void);", "const char *video_shm_version(int how);"),
        ("int video_shm_inspect(", "int video_shm_peek(void);\nint video_shm_inspect("),
        ("enum video_shm_media {", "enum video_shm_media { VIDEO_SHM_MEDIA_SMELL = 2,"),
        ("#define VIDEO_SHM_NO_WAIT UINT32_MAX", "#define VIDEO_SHM_NO_WAIT 7"),
    ],
)
def test_a_change_of_the_header_is_seen(before: str, after: str) -> None:
    if before not in HEADER:
        before = next(line for line in HEADER.split("\n") if line.startswith(before.split(";")[0]))
    assert before in HEADER
    assert without_row("video_shm.h", sentences_of_header(HEADER.replace(before, after))) != []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Sixteen 32-bit words.", "Seventeen 32-bit words."),
        ("| 12 | read_idx |", "| 13 | read_idx |"),
        ("5. header.write_idx, then", "5. header.write_idx, or"),
        ("The payload follows at once.", "The payload follows at once. So does the rest."),
    ],
)
def test_a_change_of_the_format_is_seen(before: str, after: str) -> None:
    assert before in FORMAT
    assert without_row("FORMAT.md", sentences_of_format(FORMAT.replace(before, after))) != []


@pytest.mark.parametrize("answer", ["[]", '""', "1", "{}"])
def test_a_row_that_says_nothing_is_refused(tmp_path: Path, answer: str) -> None:
    file = tmp_path / "table.toml"
    file.write_text(f'[unwritten]\n[seconds]\n["FORMAT.md"]\n["video_shm.h".x]\n"It flies." = {answer}\n')
    with pytest.raises(ValueError, match="It flies"):
        read_table(file)
