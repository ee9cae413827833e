# SPDX-License-Identifier: Apache-2.0
"""The pictures that USB cameras send: each decodes, and shows the number that the camera's books have."""

from pathlib import Path
from typing import Any

import av
import numpy
import pytest

from hil.streamer.sources import barcode
from hil.usb import clip_maker
from hil.usb.clip_maker import make_clips, without_tables
from hil.usb.clips import Clip, clip_name, missing_clips, open_clips, write_clip
from hil.usb.damage import by_slice
from hil.usb.designs import DESIGNS, Design, Format, Frame

SIZE = (320, 180)
DECODERS = {
    "H264": "h264",
    "H264-slices": "h264",
    "HEVC": "hevc",
    "MJPG": "mjpeg",
    "MJPG-no-dht": "mjpeg",
    "H264-cut": "h264",
    "HEVC-slices": "hevc",
}
SLICED = {"H264-slices": "H264", "H264-cut": "H264", "HEVC-slices": "HEVC"}
RAW = {"YUYV": "yuyv422", "NV12": "nv12"}


@pytest.fixture(scope="module", params=[*DECODERS, *RAW])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Clip]:
    """A clip of each kind, shorter than those of the cameras."""
    folder, kind = tmp_path_factory.mktemp("clips"), str(request.param)
    design = Design("", (Format(kind[:4], kind, (Frame(*SIZE, (333_333,)),)),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clip_maker, "ENCODED_PICTURES", {SIZE[0]: 30})
        patch.setattr(clip_maker, "RAW_NUMBERS", 30)
        make_clips(design, folder)
    assert missing_clips(folder, design.clips()) == []
    return kind, open_clips(folder, design.clips())[(kind, *SIZE)]


def lumas(kind: str, clip: Clip, count: int) -> list[Any]:
    """The pictures' luma, decoded."""
    if kind in RAW:
        pictures = [numpy.frombuffer(clip.picture(number), numpy.uint8) for number in range(count)]
        shape = (SIZE[1], SIZE[0] * 2) if kind == "YUYV" else (SIZE[1] * 3 // 2, SIZE[0])
        step = 2 if kind == "YUYV" else 1
        return [one.reshape(shape)[: SIZE[1], ::step] for one in pictures]
    decoder: Any = av.CodecContext.create(DECODERS[kind], "r")
    frames = []
    for number in range(count):
        frames += decoder.decode(av.Packet(clip.picture(number)))
    return [frame.reformat(format="gray").to_ndarray() for frame in frames + decoder.decode(None)]


def test_each_picture_shows_its_number(clip: tuple[str, Clip]) -> None:
    kind, pictures = clip
    assert pictures.length == 30
    # Past the end, where a stream must go on without a decoder noticing.
    found = [barcode.read(luma) for luma in lumas(kind, pictures, 33)]
    assert found == [pictures.shown(number) for number in range(33)] == [*range(30), 0, 1, 2]
    assert all(len(pictures.picture(number)) <= pictures.largest for number in range(30))


def test_raw_pictures_have_the_size_of_their_format(clip: tuple[str, Clip]) -> None:
    kind, pictures = clip
    if kind in RAW:
        sizes = {len(pictures.picture(number)) for number in range(30)} | {pictures.largest}
        assert sizes == {SIZE[0] * SIZE[1] * (4 if kind == "YUYV" else 3) // 2}


def test_encoded_pictures_are_whole_units(clip: tuple[str, Clip]) -> None:
    kind, pictures = clip
    if kind in SLICED:
        counts = {len(by_slice(pictures.picture(number), SLICED[kind])) for number in range(30)}
        assert 1 not in counts if kind.endswith("slices") else len(counts) > 1
        assert (len(counts) == 1) == kind.endswith("slices")  # where they are cut by size, pictures differ
    if kind.startswith("MJPG"):
        first = pictures.picture(0)
        assert first[:2] == b"\xff\xd8" and first[-2:] == b"\xff\xd9"
        assert (b"\xff\xc4" in first[: first.index(b"\xff\xda")]) == (kind == "MJPG")
        assert without_tables(first).startswith(b"\xff\xd8")


def test_every_design_has_its_pictures_made() -> None:
    kinds = {kind for design in DESIGNS.values() for kind, _, _ in design.clips()}
    assert kinds == set(DECODERS) | set(RAW)


def test_a_clip_appears_whole(tmp_path: Path) -> None:
    """A clip that is cut off would be used for ever."""

    def broken() -> Any:
        yield b"picture"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_clip(tmp_path / "x.clip", broken())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x.clip").mkdir()
    with pytest.raises(OSError):
        write_clip(tmp_path / "x.clip", [b"picture"])
    assert [path.name for path in tmp_path.iterdir()] == ["x.clip"]
    assert clip_name("MJPG", 1, 2) != clip_name("MJPG", 2, 1)
