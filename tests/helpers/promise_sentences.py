# SPDX-License-Identifier: Apache-2.0
"""Splits video_shm.h and FORMAT.md into sentences, each with its place."""

import re
from collections.abc import Iterator

Sentence = tuple[str, str]  # where, and what it says

_COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_MARK = re.compile(r"\x00(\d+)\x00")
HEADER_PLACE = "the header"


def _plain(text: str) -> str:
    return " ".join(text.split())


def split(text: str) -> list[str]:
    """Split text into sentences, which end with a full stop and a space."""
    return [part for part in re.split(r"(?<=\.) (?=\S)", _plain(text)) if part]


# ---- video_shm.h ----


def _prose(comment: str) -> str:
    """Return a comment without the asterisks at the starts of its lines."""
    return "\n".join(re.sub(r"^\s*\* ?", "", line) for line in comment.split("\n"))


def _prose_sentences(where: str, comment: str) -> Iterator[Sentence]:
    """Return the sentences of a comment of its own; each line of the table of errors is one."""
    prose = _prose(comment)
    table = re.search(r"^  errno .*?\n((?:  +\S.*\n?)+)", prose, re.MULTILINE)
    if table:
        rows = re.findall(r"^  (\S+(?: \S+)?)  +(.*(?:\n {10,}.*)*)", table[1], re.MULTILINE)
        for name, meaning in rows:
            yield "errno", f"{name}: {_plain(meaning)}"
        prose = prose[: table.start()] + prose[table.end() :]
    for paragraph in re.split(r"\n\s*\n", prose):
        if not re.fullmatch(r"[\s-]*----.*----\s*", paragraph):
            for sentence in split(paragraph):
                yield where, sentence


def _statements(code: str) -> Iterator[tuple[str, list[int]]]:
    """Return each declaration with the numbers of the comments on its lines; a comment of its own has no code."""
    buffer, comments = "", list[int]()
    for line in code.split("\n"):
        marks, rest = [int(number) for number in _MARK.findall(line)], _MARK.sub("", line).strip()
        if rest.startswith("#") or not (rest or buffer):
            yield rest, marks
            continue
        buffer, comments = _plain(f"{buffer} {rest}"), comments + marks
        is_whole = buffer.endswith((";", ",", "{")) and buffer.count("(") == buffer.count(")")
        if is_whole or not rest or re.search(r"= \d+$", rest):  # the last value of an enum has no comma
            yield buffer, comments
            buffer, comments = "", []


def sentences_of_header(text: str) -> list[Sentence]:
    """Return all sentences of the header. A field, a value or a call with its comment is a sentence too."""
    texts: list[str] = []

    def mark(match: re.Match[str]) -> str:
        texts.append(match[1])
        return f"\0{len(texts) - 1}\0"

    found, above, where = list[Sentence](), list[int](), HEADER_PLACE
    for code, comments in _statements(_COMMENT.sub(mark, text)):
        if not code:
            for number in above:  # what stood above it is over
                if comments:
                    found += _prose_sentences(HEADER_PLACE, texts[number])
            above = comments or above
            continue
        if re.match(r"#(?!define VIDEO_SHM_\w+ )|extern|\}$", code):
            if code == "#define VIDEO_SHM_H":
                found += [sentence for number in above for sentence in _prose_sentences(HEADER_PLACE, texts[number])]
                above = []
            continue
        begun = re.match(r"(?:typedef )?(enum|struct) (\w+) \{", code)
        ended = re.match(r"\} ?(\w*);", code)
        call = re.match(r"[\w ]+[ *](video_shm_\w+)\(", code) or re.match(r"typedef void \(\*(\w+)\)", code)
        if ended:
            where = HEADER_PLACE
            continue
        place = begun[2] if begun else call[1] if call else where
        for number in above:
            found += _prose_sentences(place, texts[number])
        above = []
        beside = _plain(" ".join(_prose(texts[number]) for number in comments))
        if begun:
            where = begun[2]
            found += [(where, f"{name} = {value}") for name, value in re.findall(r"(\w+) = (\d+)", code)]
            continue
        declared = code.rstrip(",;").removeprefix("#define ")
        found.append((place, f"{declared}: {beside}" if beside else declared))
    return found


# ---- FORMAT.md ----


def sentences_of_format(text: str) -> list[Sentence]:
    """Return all sentences of the document. A row of a table, and an item of a list, is a sentence too."""
    found, where = list[Sentence](), "Introduction"
    for block in re.split(r"\n\s*\n", text):
        if block.startswith("#"):
            where = block.lstrip("# ").split("\n")[0]
        elif block.startswith("|"):
            for row in block.strip().split("\n"):
                cells = [cell.strip() for cell in row.strip("|").split("|")]
                if not all(re.fullmatch(r"-*", cell) for cell in cells) and row != block.split("\n")[0]:
                    found.append((where, " | ".join(cells)))
        elif re.match(r"\d\. ", block):
            for item in re.split(r"\n(?=\d\. )", block):
                found += [(where, sentence) for sentence in split(re.sub(r"^\d\. ", "", item))]
        else:
            found += [(where, sentence) for sentence in split(block)]
    return found
