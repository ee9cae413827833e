# SPDX-License-Identifier: Apache-2.0
"""What streams say of their pictures and of their order, held against what libavcodec's decoders make of them."""

from __future__ import annotations

import functools
import random
from fractions import Fraction
from typing import Any, NamedTuple

import av
import numpy
import pytest
from nal_writer import Bits, escaped, nal, nal5, pps, slice_, sps

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import (
    AccessUnit,
    EntryPoint,
    Order,
    ParameterSets,
    PictureFormat,
    PictureOrder,
    Splitter,
    StreamError,
    entry_point,
    nal_units,
    picture_format,
    whole_jpeg,
)

DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.JPEG: "mjpeg"}
COUNT = 40


class Stream(NamedTuple):
    """How it is encoded. options: of the encoder's own."""

    codec: Codec
    options: str
    size: tuple[int, int] = (96, 80)
    pixels: str = "yuv420p"
    rate: Fraction = Fraction(25)
    profile: str = ""


STREAMS = {
    "b-pyramid": Stream(Codec.H264, "bframes=5:b-pyramid=normal:ref=4:keyint=30"),
    "b-pyramid strict": Stream(Codec.H264, "bframes=3:b-pyramid=strict"),
    "open gop": Stream(Codec.H264, "open-gop=1:bframes=3:b-adapt=0:keyint=12:min-keyint=12:scenecut=0"),
    "interlaced": Stream(Codec.H264, "interlaced=1:bframes=2", size=(96, 96)),
    "slices": Stream(Codec.H264, "slices=4:aud=1:bframes=2"),
    "baseline, cropped": Stream(Codec.H264, "keyint=10", size=(66, 50), profile="baseline"),
    "4:2:2": Stream(Codec.H264, "keyint=20", size=(98, 82), pixels="yuv422p10le"),
    "4:4:4": Stream(Codec.H264, "keyint=20", size=(97, 81), pixels="yuv444p"),
    "grey": Stream(Codec.H264, "keyint=20", size=(97, 81), pixels="gray"),
    "ntsc, bt709": Stream(Codec.H264, "colormatrix=bt709:colorprim=bt709:transfer=bt709", rate=Fraction(30000, 1001)),
    "full range": Stream(Codec.H264, "fullrange=1:colormatrix=smpte170m"),
    "buffering": Stream(Codec.H264, "nal-hrd=cbr:vbv-maxrate=400:vbv-bufsize=400:bitrate=400:pic-struct=1"),
    "intra only": Stream(Codec.H264, "keyint=1"),
    "h265": Stream(Codec.H265, "keyint=12:min-keyint=12:bframes=3"),
    "h265 b-pyramid": Stream(Codec.H265, "bframes=6:b-pyramid=1:keyint=30"),
    "h265 closed, leading": Stream(Codec.H265, "open-gop=0:radl=2:bframes=4:keyint=12:min-keyint=12"),
    "h265 slices, cropped": Stream(Codec.H265, "slices=2:aud=1:keyint=20", size=(186, 106)),
    "h265 layers in time": Stream(Codec.H265, "temporal-layers=1:bframes=4"),
    "h265 4:4:4": Stream(Codec.H265, "keyint=20", size=(97, 81), pixels="yuv444p"),
    "h265 10 bit, lists": Stream(Codec.H265, "scaling-list=default:keyint=20", pixels="yuv420p10le"),
    "h265 buffering": Stream(Codec.H265, "hrd=1:vbv-maxrate=400:vbv-bufsize=400:bitrate=400:repeat-headers=1"),
    "h265 full range": Stream(Codec.H265, "range=full:colormatrix=bt709:colorprim=bt709:transfer=bt709"),
}


@functools.cache
def units_of(name: str) -> list[bytes]:
    """The access units of moving noise and shapes, in the order in which they are decoded."""
    stream = STREAMS[name]
    encoder: Any = av.CodecContext.create("libx264" if stream.codec == Codec.H264 else "libx265", "w")
    encoder.width, encoder.height = stream.size
    encoder.pix_fmt, encoder.framerate, encoder.time_base = stream.pixels, stream.rate, 1 / stream.rate
    own = "x264-params" if stream.codec == Codec.H264 else "x265-params"
    quiet = ":annexb=1" if stream.codec == Codec.H264 else ":log-level=none:frame-threads=1:pools=none"
    encoder.options = {"preset": "veryfast", own: stream.options + quiet}
    if stream.profile:
        encoder.profile = stream.profile
    chance, packets = numpy.random.default_rng(3), []
    scene = chance.integers(0, 255, (200, 300), numpy.uint8)
    for number in range(COUNT):
        view = scene[number % 20 :, 2 * number % 60 :][: stream.size[1], : stream.size[0]]
        picture = av.VideoFrame.from_ndarray(numpy.ascontiguousarray(view), format="gray").reformat(
            format=stream.pixels
        )
        picture.pts = number
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    data = b"".join(bytes(packet) for packet in packets)
    splitter = Splitter(stream.codec)
    return [unit.data for unit, _ in [*splitter.feed(data), *splitter.flush()]]


def decode(codec: Codec, units: list[bytes]) -> tuple[Any, list[Any]]:
    """The decoder, and its pictures as they are to be shown, each with the number of its unit for its time."""
    decoder: Any = av.CodecContext.create(DECODERS[codec], "r")
    decoder.thread_count = 1
    pictures = []
    for number, data in enumerate(units):
        packet = av.Packet(data)
        packet.pts, packet.time_base = number, Fraction(1, 25)
        pictures += decoder.decode(packet)
    return decoder, pictures + decoder.decode(None)


@pytest.mark.parametrize("name", STREAMS)
def test_size_rate_colour_and_order_are_those_of_the_decoder(name: str) -> None:
    stream, units = STREAMS[name], units_of(name)
    assert len(units) == COUNT
    decoder, pictures = decode(stream.codec, units)
    told = picture_format(units[0], stream.codec)
    assert told is not None
    assert (told.width, told.height) == (pictures[0].width, pictures[0].height) == stream.size
    assert told.fps == pytest.approx(float(stream.rate))
    assert told.reorders == decoder.has_b_frames
    ranges = {None: (0, 1), False: (1,), True: (2,)}
    assert pictures[0].color_range in ranges[told.full_range]
    assert pictures[0].colorspace == (told.matrix if told.matrix is not None else 2)
    order = PictureOrder(stream.codec)
    counts = [order.take(data) for data in units]
    assert None not in counts
    shown = sorted(range(COUNT), key=lambda number: counts[number] or Order(0, 0))
    assert shown == [picture.pts for picture in pictures]
    assert (shown != list(range(COUNT))) <= told.reorders


@pytest.mark.parametrize("name", ["open gop", "h265"])
def test_pictures_are_ordered_from_a_recovery_point_on_too(name: str) -> None:
    codec, units = STREAMS[name].codec, units_of(name)
    sets = ParameterSets(codec)
    completed = [sets.complete(AccessUnit(data, entry_point(data, codec))) for data in units]
    begin = next(n for n, unit in enumerate(completed) if unit.entry is EntryPoint.RECOVERY_POINT)
    order = PictureOrder(codec)
    counts = [order.take(unit.data) for unit in completed[begin:]]
    assert None not in counts
    # Pictures that come behind the entry point and are shown before it may lean on what is not there.
    leading = sum(count < counts[0] for count in counts if count and counts[0])
    assert leading > 0
    shown = sorted(range(begin, COUNT), key=lambda number: counts[number - begin] or Order(0, 0))
    _, pictures = decode(codec, [unit.data for unit in completed[begin:]])
    assert [begin + picture.pts for picture in pictures][-len(shown) + leading :] == shown[leading:]


def test_picture_order_type_1_and_wrapping_numbers() -> None:
    """frame_num has 4 bits here: 8.2.1.2 adds up what is expected of each frame in a cycle."""
    sets = sps(66, poc_type=1, offsets=(2, 4)) + pps()
    order = PictureOrder(Codec.H264)
    first = order.take(sets + slice_(kind=5, reference=3, delta_0=0))
    assert first == Order(1, 0)
    # Every frame is a reference: after n of them, n // 2 cycles of 6 and the begun one.
    for number in range(1, 40):
        expected = number // 2 * 6 + (2 if number % 2 else 0)
        assert order.take(slice_(frame_num=number % 16, delta_0=0)) == Order(1, expected)
    # One that is no reference counts as the frame before it, and offset_for_non_ref_pic (-2) more.
    assert order.take(slice_(frame_num=40 % 16, reference=0, delta_0=0)) == Order(1, 39 // 2 * 6 + 2 - 2)
    assert order.take(slice_(kind=5, reference=3, delta_0=0)) == Order(2, 0)


def test_picture_order_type_2_is_the_order_of_decoding() -> None:
    sets = sps(66, poc_type=2) + pps()
    order = PictureOrder(Codec.H264)
    assert order.take(sets + slice_(kind=5, reference=3)) == Order(1, 0)
    assert [order.take(slice_(frame_num=n % 16)) for n in range(1, 20)] == [Order(1, 2 * n) for n in range(1, 20)]
    assert order.take(slice_(frame_num=20 % 16, reference=0)) == Order(1, 39)


def test_fields_are_ordered_as_frames() -> None:
    sets = sps(fields=True, size=(10, 3)) + pps()
    order = PictureOrder(Codec.H264)
    assert order.take(sets + slice_(kind=5, reference=3, field=0, lsb=0) + slice_(field=1, lsb=1)) == Order(1, 0)
    for number in range(1, 30):
        bottom, top = (slice_(frame_num=number % 16, field=f, lsb=(number * 2 + 1 - f) % 16) for f in (1, 0))
        assert order.take(bottom + top) == Order(1, number * 2)


def test_without_parameter_sets_no_order_is_told() -> None:
    order = PictureOrder(Codec.H264)
    assert order.take(slice_(kind=5, reference=3, lsb=0)) is None
    assert order.take(sps() + pps()) is None
    assert order.take(slice_(kind=5, reference=3, lsb=0)) == Order(1, 0)


def profile5(bits: Bits) -> Bits:
    for byte in (1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93):
        bits.u(8, byte)
    return bits


def vps5(units: int, scale: int) -> bytes:
    bits = profile5(Bits().u(4, 0).u(2, 3).u(6, 0).u(3, 0).u(1, 1).u(16, 0xFFFF))
    bits.u(1, 1).ue(4, 2, 0).u(6, 0).ue(0).u(1, 1).u(32, units).u(32, scale).u(2, 0)
    return nal5(32, bits.bytes())


# 64x64, slice_pic_order_cnt_lsb of 4 bits, none of the tools, no VUI.
SPS5 = nal5(
    33,
    profile5(Bits().u(4, 0).u(3, 0).u(1, 1))
    .ue(0, 1, 64, 64)
    .u(1, 0)
    .ue(0, 0, 0)
    .u(1, 1)
    .ue(4, 2, 0, 0, 3, 0, 3, 0, 0)
    .u(4, 0)
    .ue(0)
    .u(5, 0)
    .bytes(),
)
PPS5 = nal5(34, Bits().ue(0, 0).u(5, 0).bytes())


def picture5(kind: int, lsb: int | None = None, temporal_id: int = 0) -> bytes:
    bits = Bits().u(1, 1)
    if 16 <= kind <= 23:
        bits.u(1, 0)
    bits.ue(0, 1)
    if lsb is not None:
        bits.u(4, lsb)
    return nal5(kind, bits.u(16, 0x5AA5).bytes(), temporal_id=temporal_id)


def test_picture_order_of_h265_leans_on_what_others_may_lean_on() -> None:
    """prevTid0Pic of 8.3.1: no leading picture, none that is no reference, none of a higher layer in time."""
    order = PictureOrder(Codec.H265)
    assert order.take(SPS5 + PPS5 + picture5(19)) == Order(1, 0)
    assert order.take(picture5(1, 8)) == Order(1, 8)
    for passed_over in (picture5(9, 1), picture5(7, 1), picture5(0, 1), picture5(1, 1, temporal_id=1)):
        assert order.take(passed_over) == Order(1, 1)
    assert order.take(picture5(1, 0)) == Order(1, 16)  # counted from 8, not from 1
    assert order.take(picture5(21, 3)) == Order(1, 19)
    assert order.take(picture5(16, 3)) == Order(2, 3)  # BLA
    assert order.take(picture5(1, 5) + nal5(36, b"")) == Order(2, 5)
    assert order.take(picture5(21, 12)) == Order(3, 12)  # CRA behind an end of sequence
    assert order.take(picture5(8, 10)) == Order(3, 10)
    assert order.take(picture5(20)) == Order(4, 0)
    assert order.take(picture5(6, 15)) == Order(4, -1)  # shown before the IDR picture that it follows


# ---- what the standards allow and encoders here do not make ----


def test_the_sequence_that_a_picture_is_under_counts() -> None:
    """Of several that are sent, as for streams that change between them."""
    several = sps(number=0, size=(10, 6)) + sps(number=3, size=(20, 15)) + pps(0, 0) + pps(1, 3)
    for pps_id, size in ((0, (160, 96)), (1, (320, 240))):
        told = picture_format(several + slice_(kind=5, reference=3, pps_id=pps_id, lsb=0), Codec.H264)
        assert told is not None
        assert (told.width, told.height) == size


def test_a_damaged_end_of_the_vui_spoils_no_more_than_itself() -> None:
    cut = Bits().u(2, 0).u(1, 1).u(3, 5).u(1, 1).u(1, 1).u(8, 9).u(8, 16).u(8, 9).u(1, 0).u(1, 1).u(16, 0)
    told = picture_format(sps(100, vui=cut), Codec.H264)
    assert told == PictureFormat(160, 96, None, True, 9, 16, 9, None, "avc1.64001E")


def test_a_video_parameter_set_tells_the_rate_where_no_other_does() -> None:
    told = picture_format(vps5(1001, 60000) + SPS5, Codec.H265)
    assert told == PictureFormat(64, 64, 60000 / 1001, None, None, None, None, 2, "hev1.1.6.L93.90")
    assert picture_format(units_of("h265")[1], Codec.H265) is None


@pytest.mark.parametrize(("units", "scale"), [(0, 0), (0, 90000), (1, 90000), (2**32 - 1, 1)])
def test_a_rate_that_makes_no_sense_is_not_told(units: int, scale: int) -> None:
    vui = Bits().u(4, 0).u(1, 1).u(32, units).u(32, scale).u(1, 1).u(4, 0)
    for told in (picture_format(sps(vui=vui), Codec.H264), picture_format(vps5(units, scale) + SPS5, Codec.H265)):
        assert told is not None
        assert told.fps is None


def test_what_browsers_call_a_codec() -> None:
    told = picture_format(sps(66, constraints=0xC0), Codec.H264)
    assert told is not None
    assert told.codec_string == "avc1.42C01E"
    assert [picture_format(units_of(name)[0], STREAMS[name].codec).codec_string for name in ("h265", "4:2:2")] == [  # type: ignore[union-attr]
        "hev1.1.6.L30.90",
        "avc1.7A000A",
    ]
    for codec in (Codec.H264, Codec.H265, Codec.JPEG, Codec.OPUS):
        assert picture_format(b"no stream", codec) is None


def test_a_jpeg_picture_tells_its_size_and_jfifs_colours() -> None:
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 161, 121, "yuvj420p", Fraction(1, 25)
    (packet,) = encoder.encode(av.VideoFrame(161, 121, "yuvj420p"))
    assert picture_format(bytes(packet), Codec.JPEG) == PictureFormat(161, 121, None, True, None, None, 5, 0, "jpeg")


# ---- entry points ----

IDR, LATER = slice_(kind=5, reference=3, lsb=0), slice_(frame_num=1, lsb=2)
USER_DATA = b"\x05\xff\x2d" + bytes(number % 250 + 1 for number in range(300))


@pytest.mark.parametrize(
    ("messages", "entry"),
    [
        (b"\x06\x01\xc4", EntryPoint.RECOVERY_POINT),  # recovery_frame_cnt 0, exact_match_flag
        (b"\x06\x02\x0a\x40", EntryPoint.RECOVERY_POINT),  # 19: in so many pictures all is right
        (b"\x00\x02\x80\x80\x06\x01\xc4", EntryPoint.RECOVERY_POINT),
        (USER_DATA + b"\x06\x01\xc4", EntryPoint.RECOVERY_POINT),
        (b"\x06\x01\xc4" + USER_DATA, EntryPoint.RECOVERY_POINT),
        (USER_DATA, EntryPoint.NONE),
        (b"\x05\x03\x06\x01\xc4", EntryPoint.NONE),  # what looks like one is in another's payload
        (b"\x06\x05\0\0\0\0\0", EntryPoint.NONE),  # no number
        (b"\x06\x05\x00\x00\x40\x00\x00", EntryPoint.NONE),  # more pictures than frame_num can count
        (b"\x06\x40\xc4", EntryPoint.NONE),  # longer than the NAL unit
        (b"\x01\x01\xc4", EntryPoint.NONE),
        (b"", EntryPoint.NONE),
    ],
)
def test_a_recovery_point_is_found_among_other_messages(messages: bytes, entry: EntryPoint) -> None:
    sei = nal(6, escaped(messages + b"\x80"), 0)
    assert entry_point(nal(9, b"\xf0", 0) + sei + LATER, Codec.H264) is entry
    assert entry_point(sei + IDR, Codec.H264) is EntryPoint.IDR
    assert entry_point(LATER + sei, Codec.H264) is EntryPoint.NONE
    assert entry_point(sei, Codec.H264) is EntryPoint.NONE


def test_entry_points_of_h265() -> None:
    rest = b"\x80\x80\x80"
    entries = {19: EntryPoint.IDR, 20: EntryPoint.IDR} | dict.fromkeys((16, 17, 18, 21), EntryPoint.RECOVERY_POINT)
    for kind in range(32):
        expected = entries.get(kind, EntryPoint.NONE)
        assert entry_point(nal5(35, b"\x50") + nal5(kind, rest), Codec.H265) is expected
    assert entry_point(nal5(1, rest, layer=1) + nal5(21, rest), Codec.H265) is EntryPoint.RECOVERY_POINT
    recovery = nal5(39, b"\x06\x02\x90\x80\x80")
    assert entry_point(recovery + nal5(1, rest), Codec.H265) is EntryPoint.RECOVERY_POINT
    assert entry_point(recovery + nal5(20, rest), Codec.H265) is EntryPoint.IDR


def test_pictures_and_sound_that_stand_for_themselves_are_entry_points() -> None:
    for codec in (Codec.JPEG, Codec.OPUS, Codec.AAC, Codec.PCM_S16LE):
        assert entry_point(b"\xff\xd8", codec) is EntryPoint.IDR


# ---- parameter sets ----

AUD = nal(9, b"\x10", 0)


def kinds_of(data: bytes, codec: Codec = Codec.H264) -> list[int]:
    return [unit.kind for unit in nal_units(data, codec)]


def key(data: bytes) -> AccessUnit:
    return AccessUnit(data, EntryPoint.IDR)


def test_parameter_sets_of_every_id_are_put_behind_the_delimiter() -> None:
    sets = ParameterSets(Codec.H264)
    known = [sps(number=0), sps(number=1, size=(20, 15)), pps(0), pps(1, 1), pps(200)]
    sets.learn(known[3] + known[0] + known[4] + known[1] + known[2])
    sei = nal(6, b"\x05\x01\xaa\x80", 0)
    assert sets.complete(key(AUD + sei + IDR)).data == AUD + b"".join(known) + sei + IDR
    assert sets.complete(key(IDR)).data == b"".join(known) + IDR
    assert sets.complete(AccessUnit(AUD + LATER, EntryPoint.NONE)).data == AUD + LATER
    recovering = AccessUnit(AUD + sei + LATER, EntryPoint.RECOVERY_POINT)
    assert sets.complete(recovering).data == AUD + b"".join(known) + sei + LATER


def test_what_a_unit_brings_counts_and_what_it_lacks_comes_where_a_decoder_wants_it() -> None:
    sets = ParameterSets(Codec.H264)
    old, new = sps(size=(10, 6)), sps(size=(20, 15))
    sets.learn(old + sps(number=1) + pps(0) + pps(1))
    unit = key(AUD + new + pps(0, bottom_order=True) + IDR)
    expected = AUD + new + sps(number=1) + pps(0, bottom_order=True) + pps(1) + IDR
    assert sets.complete(unit).data == expected
    again = AUD + sps(number=0, size=(20, 15)) + sps(number=1) + pps(0, bottom_order=True) + pps(1) + IDR
    assert sets.complete(key(AUD + IDR)).data == again
    whole = key(again)
    assert sets.complete(whole) is whole


def test_extensions_and_subsets_of_sequences_have_their_places() -> None:
    subset, extension = nal(15, sps()[5:]), nal(13, Bits().ue(0, 0).bytes())
    sets = ParameterSets(Codec.H264)
    sets.learn(pps() + subset + extension + sps())
    assert kinds_of(sets.complete(key(IDR)).data) == [7, 13, 15, 8, 5]


def test_ids_beyond_the_standards_are_not_kept() -> None:
    sets = ParameterSets(Codec.H264)
    sets.learn(nal(7, Bits().u(24, 0x42001E).ue(32).bytes()) + nal(8, Bits().ue(256, 0).bytes()))
    sets.learn(
        nal(7, b"") + nal(8, b"") + nal(7, b"\x42\x00\x1e\0\0") + nal(8, Bits().ue(1, 0).bytes() + bytes(1 << 17))
    )
    assert sets.complete(key(IDR)).data == IDR
    for number in range(256):
        sets.learn(pps(number))
        sets.learn(pps(number))
    assert kinds_of(sets.complete(key(IDR)).data) == [8] * 256 + [5]


def test_a_size_that_changes_is_not_undone_by_what_was_learnt() -> None:
    units = units_of("h265"), units_of("h265 slices, cropped")
    sets = ParameterSets(Codec.H265)
    for stream in (*units, *units):
        completed = sets.complete(AccessUnit(stream[0], EntryPoint.IDR))
        assert completed.data == stream[0]
        bare = b"".join(stream[0][unit.begin : unit.end] for unit in nal_units(stream[0], Codec.H265) if unit.kind < 32)
        assert picture_format(sets.complete(AccessUnit(bare, EntryPoint.IDR)).data, Codec.H265) == picture_format(
            stream[0], Codec.H265
        )


# ---- what anybody may send ----


def damaged(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(out))
        if chance.random() < 0.3:
            del out[at : at + chance.randrange(1, 20)]
        else:
            out[at] = chance.choice((0, 1, 3, 0xFF, chance.randrange(256)))
        if not out:
            break
    return bytes(out)


def take_everything(data: bytes, codec: Codec) -> None:
    splitter, sets = Splitter(codec), ParameterSets(codec)
    order = PictureOrder(codec)
    for cut in (data[: len(data) // 2], data[len(data) // 2 :]):
        splitter.begins_picture(cut)
        for unit, _ in splitter.feed(cut):
            order.take(sets.complete(unit).data)
    list(splitter.flush())
    for _ in nal_units(data, codec):
        pass
    entry_point(data, codec)
    picture_format(data, codec)
    sets.learn(data)


@pytest.mark.parametrize(
    "name", ["b-pyramid", "interlaced", "buffering", "h265", "h265 10 bit, lists", "h265 buffering"]
)
def test_damaged_streams_harm_nobody(name: str) -> None:
    chance, codec = random.Random(5), STREAMS[name].codec
    head = b"".join(units_of(name)[:3])
    sets = head[: 400 if len(head) > 400 else len(head)]
    for number in range(400):
        take_everything(damaged(sets if number % 2 else head, chance), codec)


@pytest.mark.parametrize("filling", [b"\0", b"\0\0\1", b"\0\0\1\x67", b"\x06\xff", b"\0\0\3"])
@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_long_nonsense_is_soon_seen_through(codec: Codec, filling: bytes) -> None:
    """Where time grew with the square of the size, this would take hours."""
    data = {Codec.H264: b"\0\0\1\x06", Codec.H265: b"\0\0\1\x4e\x01"}[codec] + filling * (2 << 20)
    assert entry_point(data, codec) is EntryPoint.NONE
    assert picture_format(data, codec) is None
    assert ParameterSets(codec).complete(key(data)).data == data


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xd0", b"\xff\xe0\0\2"])
def test_long_nonsense_is_no_jpeg_picture(filling: bytes) -> None:
    data = b"\xff\xd8\xff" + filling * (1 << 18)
    assert picture_format(data, Codec.JPEG) is None
    with pytest.raises(StreamError):
        whole_jpeg(data)
