# SPDX-License-Identifier: Apache-2.0
"""vshm record begins a second file where the stream's codec or picture changes, and never mixes two in one."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest
from coded_streams import BEGIN_NS, FRAME_NS, KINDS, PERIOD, Unit, put, put_all, units
from container_judges import by_ffprobe
from corpus.table import streams
from encoded import HEIGHT, WIDTH, decoded
from writers import wait_until

from hil.streamer.metadata_filter import metadata_filter
from vshm_ctypes import AudioFormat, Codec, Flag, Media, Producer
from vshm_ctypes.bitstream import EntryPoint, Splitter, nal_units
from vshm_ctypes.cli.main import main
from vshm_ctypes.commandline.output import counted
from vshm_ctypes.decodable import parameter_sets

SMALL = 20
Part = tuple[str, int, int]  # kind of stream, width, height
USUAL: Part = ("h264", WIDTH, HEIGHT)
LARGE: Part = ("h264", 2 * WIDTH, 2 * HEIGHT)
OTHER: Part = ("h265", WIDTH, HEIGHT)


def stream_of(part: Part) -> tuple[Unit, ...]:
    kind, width, height = part
    return units(kind, SMALL, width, height)


def write(producer: Producer, parts: Sequence[Part], **meta: int) -> None:
    """Write one stream after the other; the metadata keep the first one's size, as a careless writer's do."""
    for number, part in enumerate(parts):
        put_all(producer, stream_of(part), KINDS[part[0]][0], BEGIN_NS + number * SMALL * FRAME_NS, **meta)


def sizes(path: Path) -> set[tuple[str, int, int]]:
    with av.open(str(path)) as container:
        name = container.streams.video[0].codec_context.name
        return {(name, frame.width, frame.height) for frame in container.decode(video=0)}


@pytest.mark.parametrize("parts", [(USUAL, LARGE), (USUAL, OTHER), (LARGE, USUAL, LARGE), (("jpeg", 64, 48), OTHER)])
@pytest.mark.parametrize("ending", [".h264", ".mp4", ".mkv"])
def test_each_part_of_the_stream_has_a_file_of_its_own(
    ring: str, tmp_path: Path, ending: str, parts: Sequence[Part], capsys: pytest.CaptureFixture[str]
) -> None:
    raw = {Codec.H264: ".h264", Codec.H265: ".h265", Codec.JPEG: ".mjpeg"}
    first = raw[KINDS[parts[0][0]][0]] if ending == ".h264" else ending
    path = tmp_path / f"clip{first}"
    timing = tmp_path / "timing"
    with Producer(ring, slots=100) as producer:
        write(producer, parts)
        words = ["--from", "oldest", "-c", str(SMALL * len(parts)), "--timing", str(timing), "--json"]
        assert main(["record", ring, "-o", str(path), *words]) == 0
    out, err = capsys.readouterr()
    files = [Path(name) for name in json.loads(out)["files"]]
    codecs = [KINDS[kind][0] for kind, _, _ in parts]
    stems = ["clip", "clip-2", "clip-3"][: len(parts)]
    assert [file.stem for file in files] == stems
    endings = [raw[codec] if ending == ".h264" else ending for codec in codecs]
    assert [file.suffix for file in files] == endings
    for file, (kind, width, height) in zip(files, parts, strict=True):
        name = {"h264": "h264", "h265": "hevc", "jpeg": "mjpeg"}[kind]
        if file.suffix != ".h264" or kind == "h264":
            assert sizes(file) == {(name, width, height)}
            assert len(decoded(str(file))) == SMALL
        if ending == ".h264":
            assert file.read_bytes() == b"".join(unit.data for unit in stream_of((kind, width, height)))
        else:
            assert by_ffprobe(file).pictures.times_s[0] == 0
    assert [json.loads(line)["number"] for line in timing.read_text().splitlines()] == [*range(SMALL * len(parts))]
    assert f"at frame {SMALL} the stream changed from" in err
    assert f"it goes on in {files[1]}" in err


def test_the_summary_names_all_files(ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "clip.mp4"
    with Producer(ring, slots=100) as producer:
        write(producer, (USUAL, LARGE))
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", str(2 * SMALL)]) == 0
    told = capsys.readouterr().err
    assert (
        f"from h264 {WIDTH}x{HEIGHT} to h264 {2 * WIDTH}x{2 * HEIGHT}: it goes on in {tmp_path / 'clip-2.mp4'}" in told
    )
    assert f"{ring} -> {path}, {tmp_path / 'clip-2.mp4'}: {2 * SMALL} frames" in told


@pytest.mark.parametrize(("part", "gaps"), [(LARGE, 0), (USUAL, 1)])
def test_a_change_that_the_writer_flags_is_told_as_a_change_alone(
    ring: str, tmp_path: Path, part: Part, gaps: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with Producer(ring, slots=100) as producer:
        write(producer, (USUAL,))
        first, *others = stream_of(part)
        put(producer, first, Codec.H264, BEGIN_NS + SMALL * FRAME_NS, flags=Flag.DISCONTINUITY)
        put_all(producer, others, Codec.H264, BEGIN_NS + SMALL * FRAME_NS)
        words = ["--from", "oldest", "-c", str(2 * SMALL), "--json"]
        assert main(["record", ring, "-o", str(tmp_path / "clip.mp4"), *words]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["gaps"] == gaps
    assert len(err.splitlines()) == 1
    assert ("the stream was interrupted" in err) == bool(gaps)


def test_metadata_that_change_while_the_stream_does_not_begin_no_file(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with Producer(ring, slots=100) as producer:
        write(producer, (USUAL,), width=640, height=360)
        write(producer, (USUAL,))
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", str(2 * SMALL)]) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(
    ("codec", "names"),
    [
        (Codec.H264, ("x264_plain.h264", "x264_high_10.h264", "x264_high_444.h264")),
        (Codec.H265, ("x265_plain.h265", "x265_main_10.h265", "x265_main_444.h265")),
    ],
    ids=["h264", "h265"],
)
@pytest.mark.parametrize("kind", ["mkv", "mp4", "raw"])
def test_so_does_a_stream_of_other_samples(
    ring: str, tmp_path: Path, kind: str, codec: Codec, names: Sequence[str]
) -> None:
    """More bits each, or colour for each pixel: a player chooses its decoder by what the file's begin says."""
    found = {stream.name: stream for stream in streams()}
    path = tmp_path / f"clip.{codec.name.lower() if kind == 'raw' else kind}"
    with Producer(ring, slots=100) as producer:
        for name in names:
            splitter = Splitter(codec)
            parts = [*splitter.feed(found[name].data), *splitter.flush()]
            put_all(producer, (Unit(unit.data, unit.entry, 0) for unit, _ in parts), codec, BEGIN_NS)
        count = sum(found[name].units for name in names)
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", str(count)]) == 0
    shapes = []
    for number in ("", "-2", "-3"):
        with av.open(str(path.with_stem(f"clip{number}"))) as container:
            shapes.append({picture.format.name for picture in container.decode(video=0)})
    assert shapes == [{"yuv420p"}, {"yuv420p10le"}, {"yuv444p"}]


@pytest.mark.parametrize("kind", ["h264", "h265"])
@pytest.mark.parametrize("ending", [".mkv", ".mp4", ".mov"])
def test_so_does_one_of_pixels_of_another_shape(ring: str, tmp_path: Path, kind: str, ending: str) -> None:
    """Television goes from 4:3 to 16:9, and players take the shape from the container."""
    path = tmp_path / f"clip{ending}"
    codec = KINDS[kind][0]
    stream = stream_of((kind, WIDTH, HEIGHT))
    wide = metadata_filter(codec, {"sample_aspect_ratio": "4/3"})
    with Producer(ring, slots=100) as producer:
        put_all(producer, stream, codec, BEGIN_NS)
        changed = (b"".join(map(bytes, wide.filter(av.Packet(unit.data)))) for unit in stream)
        others = [unit._replace(data=data) for unit, data in zip(stream, changed, strict=True)]
        put_all(producer, others, codec, BEGIN_NS + SMALL * FRAME_NS)
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", str(2 * SMALL)]) == 0
    shapes = []
    for file in (path, path.with_stem("clip-2")):
        with av.open(str(file)) as container:
            shapes.append(container.streams.video[0].sample_aspect_ratio or 1)
        assert [level for _, level in decoded(str(file))] == list(range(SMALL))
    assert shapes == [1, Fraction(4, 3)]


@pytest.mark.parametrize("force", [False, True])
def test_a_second_file_that_is_there_is_not_overwritten_unless_forced(ring: str, tmp_path: Path, force: bool) -> None:
    """The recording is under way: it goes on under the next number."""
    path, second, third = (tmp_path / name for name in ("clip.mp4", "clip-2.mp4", "clip-3.mp4"))
    second.write_text("precious")
    with Producer(ring, slots=100) as producer:
        write(producer, (USUAL, LARGE))
        words = ["--from", "oldest", "-c", str(2 * SMALL), *(["--force"] if force else [])]
        assert main(["record", ring, "-o", str(path), *words]) == 0
    assert third.exists() != force
    assert (second.read_bytes() == b"precious") != force
    assert sizes(second if force else third) == {("h264", 2 * WIDTH, 2 * HEIGHT)}


def test_stdout_has_no_place_for_a_second_stream(ring: str) -> None:
    with Producer(ring, slots=100) as producer:
        write(producer, (USUAL, LARGE))
        command = [sys.executable, "-m", "vshm_ctypes", "record", ring, "-o", "-", "--from", "oldest"]
        result = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert result.returncode == 1
    assert result.stdout == b"".join(unit.data for unit in stream_of(USUAL))
    assert b"and stdout has no place for a second file: record to a file" in result.stderr


def test_other_parameter_sets_begin_a_file_where_they_are_in_the_header_alone(ring: str, tmp_path: Path) -> None:
    """hvc1: those in the stream are left out, so pictures would be decoded with the wrong ones."""
    path = tmp_path / "clip.mp4"
    b_pictures: Part = ("h265 b", WIDTH, HEIGHT)
    with Producer(ring, slots=100) as producer:
        write(producer, (OTHER, b_pictures))
        assert main(["record", ring, "-o", str(path), "--from", "oldest", "-c", str(2 * SMALL)]) == 0
    for file in (path, tmp_path / "clip-2.mp4"):
        assert [level for _, level in decoded(str(file))] == list(range(SMALL))


def with_another_set(data: bytes, number: int) -> bytes:
    """Return an access unit with one more picture parameter set, of that id, that no picture uses."""
    first = next(nal for nal in nal_units(data, Codec.H265) if nal.kind in (*range(32), 34))
    (used,) = (one for one in parameter_sets(units("h265 open gop")[0].data, Codec.H265) if one[0] >> 1 == 34)
    bits = f"{int.from_bytes(used[2:], 'big'):0{8 * len(used) - 16}b}".rstrip("0")
    assert bits[0] == "1"  # its id is 0
    bits = f"{number + 1:0{2 * (number + 1).bit_length() - 1}b}{bits[1:]}"
    bits += "0" * (-len(bits) % 8)
    other = b"\0\0\0\1" + used[:2] + int(bits, 2).to_bytes(len(bits) // 8, "big")
    return data[: first.begin] + other + data[first.begin :]


@pytest.mark.parametrize("where", ["each keyframe", "between"])
def test_parameter_sets_that_go_on_changing_begin_one_more_file(
    ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    """The second one has room for others; what is left out of it is made from what is in the first, and told."""
    path, second = tmp_path / "clip.mp4", tmp_path / "clip-2.mp4"
    stream = list(units("h265 open gop"))
    entries = [number for number, unit in enumerate(stream) if unit.entry is not EntryPoint.NONE]
    changed = entries[1:4] if where == "each keyframe" else [entries[1] - 4, *entries[1:4]]
    for number, place in enumerate(changed, 1):
        stream[place] = stream[place]._replace(data=with_another_set(stream[place].data, number))
    leading = [unit for unit in stream[entries[1] :] if unit.number < stream[entries[1]].number]
    assert leading
    with Producer(ring, slots=100) as producer:
        put_all(producer, stream, Codec.H265, BEGIN_NS)
        cut = len(leading) + entries[1] - changed[0]
        words = ["--from", "oldest", "-c", str(PERIOD - cut), "--json"]
        assert main(["record", ring, "-o", str(path), *words]) == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["files"], told["cut"]) == ([str(path), str(second)], cut)
    assert f"left out where another file begins: {counted(cut, 'frame')} that refer" in err
    shown = [[level for _, level in decoded(name)] for name in told["files"]]
    numbers = sorted(unit.number for unit in stream[: changed[0]])
    assert shown == [[number % 20 for number in numbers], [number % 20 for number in range(10, PERIOD)]]


def test_the_second_file_has_sound_too(ring: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    sound = AudioFormat(16000, 1, 320)
    with (
        Producer(ring, slots=100) as producer,
        Producer(f"{ring}_sound", slots=200, slot_size=4096, media=Media.AUDIO) as sounds,
    ):
        for number in range(100):
            with sounds.reserve() as slot:
                slot.data[:640] = bytes(640)
                capture_ns = BEGIN_NS + number * 20_000_000
                slot.commit(640, codec=Codec.PCM_S16LE, capture_ns=capture_ns, **sound.meta())
        write(producer, (USUAL,))
        command = [sys.executable, "-m", "vshm_ctypes", "record", ring, "-o", str(path), "--from", "oldest"]
        with subprocess.Popen([*command, "--audio", f"{ring}_sound"], stderr=subprocess.PIPE) as process:
            wait_until(lambda: path.exists() and path.stat().st_size > 0, "the first file is begun")
            put_all(producer, stream_of(LARGE), Codec.H264, BEGIN_NS + SMALL * FRAME_NS)
            wait_until((tmp_path / "clip-2.mkv").exists, "the second file is begun")
            for number in range(100, 120):
                with sounds.reserve() as slot:
                    slot.data[:640] = bytes(640)
                    capture_ns = BEGIN_NS + number * 20_000_000
                    slot.commit(640, codec=Codec.PCM_S16LE, capture_ns=capture_ns, **sound.meta())
            time.sleep(0.7)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    found = by_ffprobe(tmp_path / "clip-2.mkv").sound
    assert found is not None
    # The second file's first picture was captured when the 40th frame of sound was.
    assert found.times_s[-1] == pytest.approx((119 - 2 * SMALL) * 0.02, abs=0.002)
