# SPDX-License-Identifier: Apache-2.0
"""A stream from the field as the gate plays it: with the timing and the sizes that it had there."""

import json
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from vshm import vshm
from writers import BUILD

from hil.blocks.block import BlockPlan, build_worker, run_block
from hil.gate.recording import recorded
from vshm_ctypes import Producer, inspect_slots
from vshm_ctypes.bundles.archive import Writer
from vshm_ctypes.bundles.members import FRAME_FIELDS
from vshm_ctypes.cli.bundle.streams import capture

SIZES = (30_000, 1_000, 2_500, 16, 70_000)
ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
Frame = tuple[int, int, bool]  # publish_ns, size, keyframe


def written(ring: Producer, count: int) -> None:
    """Write frames of known sizes, with every fifth a keyframe."""
    for number in range(count):
        size = SIZES[number % len(SIZES)]
        with ring.reserve() as slot:
            slot.data[:size] = bytes(size)
            slot.commit(size, keyframe=number % len(SIZES) == 0, capture_ns=1 + number)  # nothing of the publishing
        time.sleep(0.003)


def bundle_of(path: Path, streams: dict[str, Sequence[Frame]]) -> Path:
    """Return a bundle like those of vshm bundle."""
    pytest.importorskip(ZSTD, reason="no zstd for this processor")
    with Writer(path, force=True) as bundle:
        for name, frames in streams.items():
            rows = [(number, size, int(key), 0, 0, 0, at, at + 9) for number, (at, size, key) in enumerate(frames)]
            bundle.add(f"frames/{name}.json", json.dumps({"fields": FRAME_FIELDS, "frames": rows}).encode())
    return path


def test_a_recording_keeps_its_timing_and_sizes(tmp_path: Path) -> None:
    lines = [
        {"number": 7, "publish_ns": 5_000_000_000, "size": 1000, "keyframe": True, "crc32": 1},
        {"number": 8, "publish_ns": 5_033_400_000, "size": 200, "keyframe": False},
        {"number": 9, "publish_ns": 5_041_000_000, "size": 300, "keyframe": False},
        {"received": 3, "missed": 0},
    ]
    path = tmp_path / "ledger.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    stream = recorded(str(path))
    assert stream.frames == ((0, 1000, True), (33400, 200, False), (41000, 300, False))
    assert stream.name == path.name
    assert stream.text.splitlines()[1] == "33400 200 0"


def test_what_vshm_record_times_is_what_the_gate_plays(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "timing.jsonl"
    with Producer(ring) as producer:
        written(producer, 20)
        words = ("--from", "oldest", "-c", "20", "-o", str(tmp_path / "x.h264"), "--timing", str(path))
        assert vshm("record", ring, *words).code == 0
        slots = list(inspect_slots(ring))[:20]
    stream = recorded(str(path))
    assert [frame.size for frame in stream.frames] == [*SIZES] * 4
    assert [number for number, frame in enumerate(stream.frames) if frame.keyframe] == [0, 5, 10, 15]
    spans_us = [(slot.publish_ns - slots[0].publish_ns) // 1000 for slot in slots]
    assert [frame.at_us for frame in stream.frames] == spans_us
    assert all(later - earlier >= 3000 for earlier, later in pairwise(spans_us))


def test_the_gate_writes_a_recorded_stream(tmp_path: Path) -> None:
    frames: list[Frame] = [(10**9 + 20_000_000 * at, SIZES[at % 5], at % 5 == 0) for at in range(40)]
    path = bundle_of(tmp_path / "case.tar.zst", {"video_stream": frames})
    program = build_worker(tmp_path)
    plan = BlockPlan(recorded(str(path)), 1, paced=True)
    begin_s = time.monotonic()
    block = run_block(program, (BUILD / "libvideo_shm.so").resolve(), plan)
    seconds = time.monotonic() - begin_s
    assert block.faults() == {}
    assert block.written == len(frames)
    # With the pauses that it had. Of the whole run: a first counted frame that is late shortens elapsed_ns.
    assert seconds > 0.02 * (len(frames) - 1)


def test_a_stream_of_a_field_bundle_has_its_timing(ring: str, tmp_path: Path) -> None:
    with Producer(ring) as producer:
        written(producer, 15)
        (captured,) = capture([ring], 0.3, video=False, folder=tmp_path, told=lambda share: None)
    publish_ns, size, key = (FRAME_FIELDS.index(name) for name in ("publish_ns", "size", "keyframe"))
    rows = [(row[publish_ns], row[size], bool(row[key])) for row in captured.frames]
    assert len(rows) == 5  # from the last keyframe on
    path = bundle_of(tmp_path / "case.tar.zst", {ring[1:]: rows})
    begin_ns = rows[0][0]
    expected = tuple(((at_ns - begin_ns) // 1000, bytes_, key) for at_ns, bytes_, key in rows)
    assert recorded(str(path)).frames == expected
    assert recorded(f"{path}:{ring}").frames == expected


def test_of_several_streams_one_has_to_be_named(tmp_path: Path) -> None:
    path = bundle_of(
        tmp_path / "case.tar.zst",
        {"front": [(10**9, 100, True), (2 * 10**9, 200, False)], "back": [(10**9, 300, True), (3 * 10**9, 400, False)]},
    )
    assert [frame.size for frame in recorded(f"{path}:front").frames] == [100, 200]
    assert recorded(f"{path}:back").seconds == 2
    with pytest.raises(ValueError, match=r"2 streams: add :RING, one of back, front"):
        recorded(str(path))
    with pytest.raises(ValueError, match=r"no stream side; there is: back, front"):
        recorded(f"{path}:side")


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([], "0 frames make no stream"),
        ([(0, 100, True), (0, 100, False)], "was its writer of version 1"),
        ([(9000, 100, True), (1000, 100, False)], "not a frame in order of time"),
    ],
)
def test_a_bundle_without_timing_is_refused(tmp_path: Path, frames: list[Frame], why: str) -> None:
    path = bundle_of(tmp_path / "case.tar.zst", {"front": frames})
    with pytest.raises(ValueError, match=rf"case\.tar\.zst:front: .*{why}"):
        recorded(str(path))


@pytest.mark.parametrize("content", [b"", b"no zstd", b"[1]"])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip(ZSTD, reason="no zstd for this processor")
    path = tmp_path / "case.tar.zst"
    path.write_bytes(content)
    with pytest.raises((ValueError, OSError), match=r"case\.tar\.zst"):
        recorded(str(path))


@pytest.mark.parametrize("row", [[1], "x", [[1, 2]], 7, [["a"] * len(FRAME_FIELDS)], [None]])
def test_a_stranger_s_frames_are_refused(tmp_path: Path, row: object) -> None:
    pytest.importorskip(ZSTD, reason="no zstd for this processor")
    path = tmp_path / "case.tar.zst"
    with Writer(path, force=True) as bundle:
        bundle.add("frames/x.json", json.dumps({"fields": FRAME_FIELDS, "frames": row}).encode())
    with pytest.raises(ValueError, match=r"case\.tar\.zst:x"):
        recorded(str(path))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json\n",
        '{"publish_ns": 1, "size": 100, "keyframe": true}\n',
        '{"publish_ns": 1, "size": 100, "keyframe": true}\n' * 2,
        '{"publish_ns": 9000, "size": 100, "keyframe": true}\n{"publish_ns": 1, "size": 100, "keyframe": true}\n',
        '{"publish_ns": 1, "size": 0, "keyframe": true}\n',
        '{"publish_ns": 1, "size": 600000, "keyframe": true}\n',
        '{"publish_ns": 1, "keyframe": true}\n',
        "[1, 2]\n",
        "[" * 100_000 + "\n",
        "\udcff\n",
    ],
)
def test_what_is_no_stream_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(ValueError, match=r"x\.jsonl"):
        recorded(str(path))
