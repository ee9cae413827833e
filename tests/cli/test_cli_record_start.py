# SPDX-License-Identifier: Apache-2.0
"""vshm record begins where a decoder can, whoever wrote the ring, and says why it waits where it has to."""

import json
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from coded_streams import BEGIN_NS, FRAME_NS, KINDS, PERIOD, Coded, Unit, put, units
from encoded import decoded
from vshm import vshm
from writers import meanwhile

from vshm_ctypes import Codec, Flag, Frame, Producer
from vshm_ctypes.bitstream import EntryPoint, nal_units
from vshm_ctypes.cli.main import main
from vshm_ctypes.cli.record import stall_report
from vshm_ctypes.cli.record import verb as record_verb
from vshm_ctypes.cli.record.files import Files

ENDINGS = {Codec.H264: ".h264", Codec.H265: ".h265", Codec.JPEG: ".mjpeg"}
MAKERS = b"DHAV\xfd\1"  # a maker's own header
SETS = {Codec.H264: (7, 8), Codec.H265: (32, 33, 34)}


def writing(coded: Coded, interval_s: float = 0.003) -> AbstractContextManager[None]:
    """Write more and more of a stream during the block, as a camera does."""
    return meanwhile(coded.write, interval_s)


def bare(unit: Unit, codec: Codec) -> Unit:
    """Return the unit without its parameter sets."""
    kept = [unit.data[nal.begin : nal.end] for nal in nal_units(unit.data, codec) if nal.kind not in SETS[codec]]
    return unit._replace(data=b"".join(kept))


def sets_of(unit: Unit, codec: Codec) -> bytes:
    return b"".join(unit.data[nal.begin : nal.end] for nal in nal_units(unit.data, codec) if nal.kind in SETS[codec])


@pytest.mark.parametrize("start", ["now", "oldest", "keyframe"])
@pytest.mark.parametrize("kind", ["h264", "h265 b", "jpeg"])
def test_a_raw_recording_begins_at_an_entry_point(ring: str, tmp_path: Path, kind: str, start: str) -> None:
    path = tmp_path / f"clip{ENDINGS[KINDS[kind][0]]}"
    with Producer(ring, slots=400) as producer:
        coded = Coded(producer, kind)
        coded.write(57)
        with writing(coded):
            assert main(["record", ring, "-o", str(path), "--from", start, "-c", "30"]) == 0
    stream = units(kind)
    firsts = [at for at, unit in enumerate(stream) if unit.entry is EntryPoint.IDR]
    assert path.read_bytes() in [b"".join(stream[(first + at) % PERIOD].data for at in range(30)) for first in firsts]


def test_on_stdout_too_it_begins_at_an_entry_point(ring: str) -> None:
    with Producer(ring, slots=400) as producer:
        coded = Coded(producer, "h264")
        coded.write(57)
        with writing(coded):
            command = [sys.executable, "-m", "vshm_ctypes", "record", ring, "-o", "-", "--from", "now", "-c", "12"]
            out = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
    assert out.startswith(tuple(unit.data for unit in units("h264") if unit.entry is EntryPoint.IDR))


@pytest.mark.parametrize("flagged", [True, False])
@pytest.mark.parametrize("ending", ["raw", ".mp4", ".mkv"])
@pytest.mark.parametrize("kind", ["h264 open gop", "h264 refresh", "h265 open gop"])
def test_a_recording_may_begin_at_a_recovery_point(
    ring: str, tmp_path: Path, kind: str, ending: str, flagged: bool
) -> None:
    """What is shown before it is left out, since it would be made from pictures that are not there."""
    codec = KINDS[kind][0]
    path = tmp_path / f"clip{ENDINGS[codec] if ending == 'raw' else ending}"
    stream = units(kind)
    first = [at for at, unit in enumerate(stream) if unit.entry is EntryPoint.RECOVERY_POINT][1]
    with Producer(ring, slots=100) as producer:
        for unit in stream[first - 3 :]:
            put(producer, unit, codec, BEGIN_NS + unit.number * FRAME_NS, flagged)
        kept = [unit for unit in stream[first:] if unit.number >= stream[first].number]
        words = ["-c", str(len(kept)), "-t", "60", "--json"]
        assert main(["record", ring, "-o", str(path), "--from", "oldest", *words]) == 0
    if ending == "raw":
        assert path.read_bytes() == b"".join(unit.data for unit in kept)
    shown = decoded(str(path))
    levels = [level for _, level in shown]
    expected = sorted(unit.number for unit in kept)
    if kind == "h264 refresh":  # the first ones are not whole yet
        expected, levels = expected[10:], levels[-len(expected) + 10 :]
    assert levels == [number % 20 for number in expected]
    if ending != "raw":
        steps = [(number - stream[first].number) * FRAME_NS / 1e9 for number in expected]
        assert [time_s for time_s, _ in shown][-len(steps) :] == pytest.approx(steps, abs=0.0006)


def test_frames_missed_before_the_first_are_told(
    ring: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They were overwritten between the look at the oldest and the first copy."""
    path = tmp_path / "clip.h264"
    with Producer(ring, slots=4) as producer:
        coded = Coded(producer, "h264")
        coded.write(15)

        class SlowFiles(Files):
            def __init__(self, path: str, force: bool, sound: Frame | None = None) -> None:
                coded.write(15)
                super().__init__(path, force, sound)

        monkeypatch.setattr(record_verb, "Files", SlowFiles)
        with writing(coded):
            code = main(["record", ring, "-o", str(path), "--from", "oldest", "-c", "1", "--json"])
    out, err = capsys.readouterr()
    missed = json.loads(out)["missed"]
    assert (missed >= 11, code) == (True, 1)
    assert f"{missed} frames were overwritten before they could be read: it begins at frame" in err


@pytest.mark.parametrize("ending", [".h264", ".mp4", ".mkv"])
def test_a_keyframe_without_its_parameter_sets_is_waited_past_and_told(
    ring: str, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"clip{ending}"
    stream = units("h264")
    with Producer(ring, slots=100) as producer:
        for at, unit in enumerate(stream):
            put(producer, bare(unit, Codec.H264) if at < 20 else unit, Codec.H264, BEGIN_NS + at * FRAME_NS)
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", "40"]) == 0
    assert [level for _, level in decoded(str(path))] == [number % 20 for number in range(20, 60)]
    told = capsys.readouterr().err
    assert told.count("is a keyframe without its parameter sets (SPS, PPS): let its encoder repeat them") == 1


@pytest.mark.parametrize("kind", ["h264", "h265"])
@pytest.mark.parametrize("ending", ["raw", ".mp4", ".mkv"])
def test_parameter_sets_that_came_alone_are_put_in_front(ring: str, tmp_path: Path, kind: str, ending: str) -> None:
    codec = KINDS[kind][0]
    path = tmp_path / f"clip{ENDINGS[codec] if ending == 'raw' else ending}"
    stream = units(kind)
    with Producer(ring, slots=100) as producer:
        put(producer, Unit(sets_of(stream[0], codec), EntryPoint.IDR, 0), codec, BEGIN_NS)
        for unit in stream:
            put(producer, bare(unit, codec), codec, BEGIN_NS + unit.number * FRAME_NS)
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", str(PERIOD)]) == 0
    assert [level for _, level in decoded(str(path))] == [number % 20 for number in range(PERIOD)]


@pytest.mark.parametrize("kind", ["h264", "h265"])
@pytest.mark.parametrize("ending", ["raw", ".mp4", ".mkv"])
def test_parameter_sets_that_came_once_are_looked_for_in_the_ring(
    ring: str, tmp_path: Path, kind: str, ending: str
) -> None:
    codec, stream = KINDS[kind][0], units(kind)
    path = tmp_path / f"clip{ENDINGS[codec] if ending == 'raw' else ending}"
    with Producer(ring, slots=100) as producer:
        for unit in stream:
            put(producer, unit if unit.number == 0 else bare(unit, codec), codec, BEGIN_NS + unit.number * FRAME_NS)
        assert main(["record", ring, "-o", str(path), "--from", "keyframe", "-c", "10", "-t", "60"]) == 0
    begin = max(unit.number for unit in stream if unit.entry is EntryPoint.IDR)
    assert begin > 0
    assert [level for _, level in decoded(str(path))] == [number % 20 for number in range(begin, begin + 10)]


def test_a_frame_flagged_as_a_keyframe_that_is_none_is_passed_over(
    ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clip.mp4"
    stream = units("h264")
    with Producer(ring, slots=100) as producer:
        for at, unit in enumerate(stream[5:30]):
            put(producer, unit._replace(entry=EntryPoint.IDR), Codec.H264, BEGIN_NS + at * FRAME_NS)
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", "20", "-t", "60"]) == 0
    assert [level for _, level in decoded(str(path))] == [number % 20 for number in range(10, 30)]
    assert "frame 0 is flagged as a keyframe, but decoding can't begin there" in capsys.readouterr().err


@pytest.mark.parametrize("frames", [30, 0])
def test_what_is_waited_for_is_named_while_the_recording_goes_on_waiting(
    ring: str, tmp_path: Path, frames: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stall_report, "PATIENCE_S", 0.4)
    stream = units("h264")
    with Producer(ring, slots=100) as producer:

        def write() -> None:
            for at in range(frames):
                put(producer, stream[1 + at % 9], Codec.H264, BEGIN_NS + at * FRAME_NS)
            time.sleep(1.5)
            put(producer, stream[0], Codec.H264, BEGIN_NS + frames * FRAME_NS)

        thread = threading.Thread(target=write)
        thread.start()
        assert main(["record", ring, "-o", str(tmp_path / "clip.mp4"), "--from", "oldest", "-c", "1"]) == 0
        thread.join()
    told = [line for line in capsys.readouterr().err.splitlines() if " came in 0.4 s" in line]
    assert len(told) == 1
    assert ("no keyframe came in 0.4 s, among 30 frames" if frames else "no frame came in 0.4 s") in told[0]


@pytest.mark.parametrize("start", ["now", "oldest", "keyframe"])
def test_why_nothing_was_recorded_is_told_however_soon_it_ends(
    ring: str, tmp_path: Path, start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Producer(ring, slots=100) as producer:
        for at, unit in enumerate(units("h264")[1:9]):
            put(producer, unit, Codec.H264, BEGIN_NS + at * FRAME_NS)
        assert main(["record", ring, "-o", str(tmp_path / "clip.mp4"), "--from", start, "-t", "0.2"]) == 1
    told = "among 8 frames was no keyframe" if start == "oldest" else "no frame came"  # from where it starts
    assert f"nothing was recorded: {told}" in capsys.readouterr().err


def test_so_it_is_where_the_writer_ends_first(ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Producer(ring, slots=100) as producer:
        for unit in units("h264"):
            producer.write(unit.data)  # no keyframe is flagged
        closing = threading.Timer(0.5, producer.close)
        closing.start()
        assert main(["record", ring, "-o", str(tmp_path / "clip.mp4"), "--from", "oldest"]) == 1
        closing.join()
    told = capsys.readouterr().err
    assert f"nothing was recorded: among {len(units('h264'))} frames was no keyframe" in told
    assert "the writer closed the ring" in told


@pytest.mark.parametrize("ending", [".h264", ".mp4", ".mkv"])
def test_what_a_camera_puts_in_front_of_each_picture_is_no_other_stream(ring: str, tmp_path: Path, ending: str) -> None:
    """A header of its maker's, which decoders pass over, as they look for a start code."""
    path = tmp_path / f"clip{ending}"
    stream = units("h264")
    with Producer(ring, slots=100) as producer:
        for at, unit in enumerate(stream):
            put(producer, unit._replace(data=MAKERS + unit.data), Codec.H264, BEGIN_NS + at * FRAME_NS)
        outcome = vshm("record", ring, "-o", str(path), "--from", "oldest", "-c", str(len(stream)))
    assert outcome.code == 0, outcome.err
    if ending == ".h264":
        assert path.stat().st_size == sum(len(unit.data) + len(MAKERS) for unit in stream)
    else:
        assert [number for _, number in decoded(str(path))] == [number % 20 for number in range(len(stream))]


def test_what_is_lost_at_the_end_for_want_of_a_keyframe_is_told(
    ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = units("h264")
    path = tmp_path / "clip.mp4"
    with Producer(ring, slots=100) as producer:
        for at, unit in enumerate(stream[:18]):
            flags = Flag.DISCONTINUITY if at == 15 else Flag(0)
            put(producer, unit, Codec.H264, BEGIN_NS + at * FRAME_NS, flags=flags)
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-t", "0.5"]) == 1
    assert [level for _, level in decoded(str(path))] == list(range(15))
    assert (
        "the last 3 frames are not in the file: no keyframe came after the gap before them" in capsys.readouterr().err
    )


def test_after_a_gap_it_goes_on_at_an_entry_point_without_what_leads_to_it(
    ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pictures of an open GOP that are shown before its first one are made from pictures in the gap."""
    path = tmp_path / "clip.mp4"
    stream = units("h265 open gop")
    again = [at for at, unit in enumerate(stream) if unit.entry is EntryPoint.RECOVERY_POINT][2]
    with Producer(ring, slots=100) as producer:
        for at, unit in enumerate(stream):
            if at < 8:
                put(producer, unit, Codec.H265, BEGIN_NS + unit.number * FRAME_NS)
            elif at >= again:
                with producer.reserve() as slot:
                    slot.data[: len(unit.data)] = unit.data
                    at_ns = BEGIN_NS + unit.number * FRAME_NS
                    key = unit.entry is not EntryPoint.NONE
                    slot.commit(len(unit.data), keyframe=key, codec=1, capture_ns=at_ns, flags=2 * (at == again))
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-t", "3"]) == 0
    kept = [unit.number for unit in stream[again:] if unit.number >= stream[again].number]
    shown = decoded(str(path))
    assert [level for _, level in shown][-len(kept) :] == [number % 20 for number in sorted(kept)]
    assert [time_s for time_s, _ in shown][-len(kept) :] == pytest.approx([number / 25 for number in sorted(kept)])
    assert "the stream was interrupted; it goes on at this keyframe" in capsys.readouterr().err
