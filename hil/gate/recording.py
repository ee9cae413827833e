# SPDX-License-Identifier: Apache-2.0
"""Reads a stream from the field as the gate's schedule: by vshm record --timing, a reader's ledger, or vshm bundle."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from vshm_ctypes.bundles.archive import ENDING, members
from vshm_ctypes.bundles.members import frames_of, kind_of

from ..blocks.schedule import MAX_FRAME_SIZE, MIN_FRAME_SIZE, Due, Schedule


class Published(NamedTuple):
    """A frame as it was written in the field. where: its position, for messages. publish_ns: on any clock."""

    where: str
    publish_ns: int
    size: int
    keyframe: bool


def recorded(word: str) -> Schedule:
    """Return a stream with its own timing and sizes. word: a path, with :RING after a bundle's of several streams.

    Raises ValueError if it is none, or OSError.
    """
    name, _, ring = word.rpartition(f"{ENDING}:")
    if name and not Path(word).exists():
        return _of_bundle(Path(name + ENDING), ring)
    if word.endswith(ENDING):
        return _of_bundle(Path(word), "")
    return _schedule(Path(word).name, word, _of_lines(Path(word)))


def _schedule(name: str, where: str, published: Iterable[Published]) -> Schedule:
    frames: list[Due] = []
    begin_ns = 0
    for frame in published:
        if frame.publish_ns <= 0:
            raise ValueError(f"{frame.where}: it is not known when it was published: was its writer of version 1?")
        begin_ns = begin_ns or frame.publish_ns
        due = Due((frame.publish_ns - begin_ns) // 1000, frame.size, frame.keyframe)
        if not MIN_FRAME_SIZE <= due.size <= MAX_FRAME_SIZE or due.at_us < (frames[-1].at_us if frames else 0):
            raise ValueError(f"{frame.where}: {due.size} bytes at {due.at_us} us: not a frame in order of time")
        frames.append(due)
    if len(frames) < 2 or frames[-1].at_us == 0:
        raise ValueError(f"{where}: {len(frames)} frames make no stream")
    return Schedule(name, tuple(frames))


def _of_lines(path: Path) -> Iterator[Published]:
    """Yield the frames of JSON lines with publish_ns, size and keyframe."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            where = f"{path}:{number}"
            try:
                told = json.loads(line)
                if "publish_ns" not in told:
                    continue  # a ledger's closing record
                frame = Published(where, int(told["publish_ns"]), int(told["size"]), bool(told["keyframe"]))
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
                raise ValueError(f"{where}: no frame with publish_ns, size and keyframe: {error}") from None
            yield frame


def _of_bundle(path: Path, ring: str) -> Schedule:
    """Return the stream of a bundle's ring, or its only one."""
    try:
        streams = {
            name.removeprefix("frames/").removesuffix(".json"): content
            for name, content in members(path)
            if kind_of(name) == "frames/RING.json"
        }
    except ImportError as error:
        raise ValueError(f"{path}: a bundle needs {error.name}: pip install 'video-shm[hil]'") from None
    wanted = ring.removeprefix("/")
    if wanted and wanted not in streams:
        raise ValueError(f"{path}: no stream {wanted}; there is: {', '.join(sorted(streams)) or 'none'}")
    if not wanted and len(streams) != 1:
        choice = f": add :RING, one of {', '.join(sorted(streams))}" if streams else ""
        raise ValueError(f"{path}: {len(streams)} streams{choice}")
    name = wanted or next(iter(streams))
    where = f"{path}:{name}"
    try:
        rows = frames_of(streams[name])
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{where}: not as vshm bundle writes it: {error}") from None
    published = (Published(where, row["publish_ns"], row["size"], bool(row["keyframe"])) for row in rows)
    return _schedule(f"{path.name}:{name}", where, published)
