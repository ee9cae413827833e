# SPDX-License-Identifier: Apache-2.0
"""encoder=copy: a source's own stream, by no encoder; what a source or the words can't keep is refused by name."""

from types import SimpleNamespace
from typing import Any

import pytest

from hil.streamer.arguments import build_parser
from hil.streamer.channels import ChannelError
from hil.streamer.encoder_settings import EncoderError
from hil.streamer.main import channels_of, wanted_of
from hil.streamer.open_lane import open_lane
from hil.streamer.sources.modes import Offer, Size, Wanted, choose_mode
from hil.streamer.sources.source import SourceError
from vshm_ctypes import Codec

SIZE = Size(640, 480)
OFFERS = [Offer(fourcc, "", SIZE, SIZE, (30.0,)) for fourcc in ("YUYV", "MJPG", "HEVC")]


def wanted(*words: str) -> Wanted:
    return wanted_of(channels_of(build_parser().parse_args(words), {}))


def test_a_camera_s_own_stream_is_wanted_and_nothing_is_asked_of_its_encoder() -> None:
    assert wanted("--encoder", "copy", "--channel", "0:") == Wanted(gop=0, copy=True)
    named = wanted(
        "--channel", "0:640x480@30,encoder=copy,codec=h265", "--channel", "1:640x480,encoder=copy,codec=h265"
    )
    assert named == Wanted(SIZE, 0.0, Codec.H265, lanes=2, gop=0, copy=True)
    assert not wanted("--channel", "0:640x480").copy


@pytest.mark.parametrize(
    ("codec", "chosen"), [(None, "HEVC"), (Codec.H265, "HEVC"), (Codec.JPEG, "MJPG")], ids=["any", "h265", "jpeg"]
)
def test_a_camera_is_set_to_what_it_encodes(codec: Codec | None, chosen: str) -> None:
    assert choose_mode(OFFERS, SIZE, Wanted(codec=codec, copy=True)).fourcc == chosen


def test_a_camera_that_does_not_encode_so_is_refused_with_what_it_has() -> None:
    with pytest.raises(SourceError, match=r"only HEVC, MJPG, YUYV; of use here are H264"):
        choose_mode(OFFERS, SIZE, Wanted(codec=Codec.H264, copy=True))
    with pytest.raises(SourceError, match=r"only YUYV; of use here are H264, HEVC, MJPG, JPEG$"):
        choose_mode(OFFERS[:1], SIZE, Wanted(copy=True))
    (h265,) = [offer for offer in OFFERS if offer.fourcc == "HEVC"]
    with pytest.raises(SourceError, match=r"only HEVC; of use here are .*; encoder=copy passes on what it has"):
        choose_mode([h265], SIZE, Wanted())  # as with encoder=libx264


@pytest.mark.parametrize(
    ("words", "codec", "why"),
    [
        ("0:", None, "encoder=copy: the camera has raw pictures only"),
        ("0:codec=h264", Codec.H265, r"h265 of 640x480; passed through, it can't be h264"),
        ("0:320x240", Codec.H264, "can't be 320x240"),
        ("0:640x480@15", Codec.H264, r"at 29\.97 fps; passed through, it can't be 15 fps"),
    ],
)
def test_a_source_that_is_not_as_it_was_asked_for_is_refused(words: str, codec: Codec | None, why: str) -> None:
    source: Any = SimpleNamespace(name="the camera", width=640, height=480, fps=30000 / 1001, codec=codec)
    (channel,) = channels_of(build_parser().parse_args(["--encoder", "copy", "--channel", words]), {})
    with pytest.raises(EncoderError, match=why):
        open_lane(channel, source, None)


def test_a_source_of_the_size_and_rate_that_were_asked_for_is_passed_through(
    ring: str, caplog: pytest.LogCaptureFixture
) -> None:
    source: Any = SimpleNamespace(
        name="the camera", width=640, height=480, fps=30000 / 1001, codec=Codec.H265, live=True
    )
    words = ["--channel", f"{ring}:640x480@30,encoder=copy"]
    with caplog.at_level("INFO"):
        lane = open_lane(channels_of(build_parser().parse_args(words), {})[0], source, None)
    lane.close()
    assert lane.failure is None
    assert f"/{ring.strip('/')}: 640x480, h265 as it comes" in caplog.text


def test_a_source_is_copied_for_all_channels_or_for_none() -> None:
    with pytest.raises(ChannelError, match="encoder=copy: for all channels or for none"):
        wanted("--channel", "0:encoder=copy", "--channel", "1:encoder=libx264")
