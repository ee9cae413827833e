# SPDX-License-Identifier: Apache-2.0
"""What vshm serve sends of streams as other encoders and writers make them: only what a decoder can begin with."""

import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import av
import pytest
from encoded import stream
from serving import Server
from socket_browser import Browser, browse
from unusual_streams import (
    FPS,
    HEIGHT,
    WIDTH,
    encoded,
    from_first_recovery_point,
    playing,
    playing_sound,
    sets_of,
    sound,
    without_sets,
)

from hil.streamer.sound.options import SoundCodec
from vshm_ctypes import Codec, Producer, picture_layout
from vshm_ctypes.cli.web.showing import CAPTURED, KEYFRAME, RECOVERY_POINT

PLAIN = "bframes=0"
REFRESH = "intra-refresh=1:bframes=0"
OPEN_GOP = "keyint=12:min-keyint=12:open-gop=1:bframes=2:b-adapt=0:b-pyramid=0"


def pictures(count: int) -> Callable[[Browser], Awaitable[None]]:
    """Look until so many have come."""

    async def look(browser: Browser) -> None:
        await browser.until(lambda: len(browser.pictures) >= count)

    return look


def says(text: str) -> Callable[[Browser], Awaitable[None]]:
    """Look until that is said."""

    async def look(browser: Browser) -> None:
        await browser.until(lambda: text in browser.said)

    return look


def sent(browser: Browser) -> list[tuple[int, bytes]]:
    """Return (flags but CAPTURED, data) of each picture."""
    assert all(head[3] & CAPTURED for head, _ in browser.pictures)
    return [(head[3] & ~CAPTURED, data) for head, data in browser.pictures]


def test_a_recovery_point_is_told_from_an_idr(server: Server, ring: str) -> None:
    units = from_first_recovery_point(encoded(REFRESH))
    with playing(ring, units):
        browser = browse(server, f"?ring={ring}", pictures(30))
    assert sent(browser)[0][0] == KEYFRAME | RECOVERY_POINT
    assert {flags for flags, _ in sent(browser)} == {0, KEYFRAME | RECOVERY_POINT}


def test_a_browser_that_needs_an_idr_is_told_what_it_waits_for_and_begins_at_one(server: Server, ring: str) -> None:
    units = from_first_recovery_point(encoded(REFRESH))
    with playing(ring, units):
        browser = browse(server, f"?ring={ring}&entry=idr", says("let the encoder send IDR keyframes"))
    assert not browser.pictures
    with playing(ring, (*units[:20], *encoded(REFRESH)[:20]), again=False):
        browser = browse(server, f"?ring={ring}&entry=idr", pictures(15))
    assert sent(browser)[0][0] == KEYFRAME
    assert browser.states[-1] == "live"


def test_pictures_shown_before_the_recovery_point_where_it_begins_are_left_out(server: Server, ring: str) -> None:
    units = from_first_recovery_point(encoded(OPEN_GOP))
    shown_at = {data: at for data, _, at in units}
    assert any(at < units[0][2] for _, _, at in units[1:4])
    with playing(ring, units, again=False, slots=64):
        browser = browse(server, f"?ring={ring}", pictures(15))
    times = [shown_at[data] for _, data in sent(browser)]
    assert times[0] == min(times)
    assert set(times) >= set(range(min(times), max(times) - 2))  # all but those that come later


def test_a_cra_picture_begins_without_those_that_lean_on_what_was_before(server: Server, ring: str) -> None:
    units = from_first_recovery_point(encoded(OPEN_GOP, Codec.H265), Codec.H265)
    shown_at = {data: at for data, _, at in units}
    assert any(at < units[0][2] for _, _, at in units[1:4])
    with playing(ring, units, again=False, codec=Codec.H265):
        browser = browse(server, f"?ring={ring}", pictures(12))
    times = [shown_at[data] for _, data in sent(browser)]
    assert sent(browser)[0][0] == KEYFRAME | RECOVERY_POINT
    assert times[0] == min(times)


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_a_piece_that_is_played_again_and_again_from_an_entry_point_goes_on(
    server: Server, ring: str, codec: Codec
) -> None:
    units = from_first_recovery_point(encoded(OPEN_GOP, codec), codec)
    with playing(ring, units, interval_s=0.01, codec=codec):
        browser = browse(server, f"?ring={ring}&form=mp4", pictures(3 * len(units)))
    with av.open(io.BytesIO(b"".join(data for _, data in browser.pictures)), "r") as film:
        times = [packet.pts * packet.time_base for packet in film.demux(video=0) if packet.pts is not None]
    assert max(times) < 2 * 3 * len(units) * 0.01 + 1


def test_a_keyframe_without_parameter_sets_gets_those_that_the_ring_still_holds(server: Server, ring: str) -> None:
    units = encoded(PLAIN)
    once = (units[0], *without_sets(units)[1:])
    with Producer(ring, slots=64) as producer:
        for data, key, _ in once[:25]:
            producer.write(data, keyframe=key, width=WIDTH, height=HEIGHT, fps=FPS)
        browser = browse(server, f"?ring={ring}", pictures(5))
    assert sent(browser)[0] == (KEYFRAME, units[20][0])
    assert browser.of("stream")[0]["codec_string"].startswith("avc1.")


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_a_stream_without_parameter_sets_is_told_and_begins_once_they_come(
    server: Server, ring: str, codec: Codec
) -> None:
    units = encoded(PLAIN if codec == Codec.H264 else "bframes=0:repeat-headers=1", codec)
    bare = without_sets(units, codec)

    async def look(browser: Browser) -> None:
        await browser.until(lambda: "without its parameter sets" in browser.said)
        assert not browser.pictures
        for number in range(20):
            data = sets_of(units, codec) + bare[0][0] if number == 10 else bare[number][0]
            producer.write(data, keyframe=number in (0, 10), codec=codec)
        await browser.until(lambda: browser.states[-1] == "live")

    with Producer(ring) as producer:
        for data, key, _ in bare[:5]:
            producer.write(data, keyframe=key, codec=codec)
        browser = browse(server, f"?ring={ring}", look)
    assert browser.states == ["waiting", "live"]
    assert browser.pictures[0][0][0] == 15


def test_flags_of_writers_that_call_every_picture_a_keyframe_are_not_believed(server: Server, ring: str) -> None:
    units = tuple((data, True, at) for data, _, at in encoded(PLAIN))
    with Producer(ring) as producer:
        for data, _, _ in units[:15]:
            producer.write(data, keyframe=True)

        async def look(browser: Browser) -> None:
            await browser.until(lambda: "flagged as a keyframe" in browser.said)
            for data, _, _ in units[15:25]:
                producer.write(data, keyframe=True)
            await browser.until(lambda: len(browser.pictures) == 5)

        browser = browse(server, f"?ring={ring}", look)
    assert sent(browser)[0] == (KEYFRAME, units[20][0])
    assert {flags for flags, _ in sent(browser)[1:]} == {0}


@pytest.mark.parametrize("form", ["frames", "mp4"])
def test_a_change_of_size_is_told_also_where_the_writer_does_not(server: Server, ring: str, form: str) -> None:
    units = (*encoded(PLAIN)[:30], *encoded(PLAIN, size=(64, 48))[:30])

    async def look(browser: Browser) -> None:
        await browser.until(lambda: len(browser.of("stream")) == 3)

    with playing(ring, units):
        browser = browse(server, f"?ring={ring}&form={form}", look)
    sizes = [(told["width"], told["height"]) for told in browser.of("stream")]
    assert sizes[0] == sizes[2]
    assert set(sizes) == {(WIDTH, HEIGHT), (64, 48)}


def test_what_is_no_byte_stream_is_told(server: Server, ring: str) -> None:
    with Producer(ring) as producer:
        producer.write(b"\0\0\0\x05\x65\x88\x84\0\x10", keyframe=True)
        browse(server, f"?ring={ring}", says("no byte stream"))


def test_an_unknown_codec_is_named_with_those_that_are_shown(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.of("stream")))

    with Producer(ring) as producer:
        producer.write(b"?", keyframe=True, codec=77)
        browser = browse(server, f"?ring={ring}", look)
    (told,) = browser.of("stream")
    assert told["problem"] == (
        "The producer calls this codec 77, which the page can't show. It shows H.264, H.265, JPEG, PCM, AAC, OPUS."
    )


def test_of_raw_pictures_it_is_told_what_to_do(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: bool(browser.of("stream")))

    layout = picture_layout(Codec.NV12, 64, 48)
    with Producer(ring, slots=4, slot_size=layout.size) as producer:
        producer.write(bytes(layout.size), fps=25, **layout.meta())
        browser = browse(server, f"?ring={ring}", look)
    (told,) = browser.of("stream")
    assert (told["codec"], told["codec_string"]) == ("nv12", None)
    assert told["problem"].startswith(
        "These are raw pictures (nv12), which browsers do not play. Let the producer write"
    )
    assert browser.pictures == []


def test_a_ring_without_a_picture_is_told(server: Server, ring: str) -> None:
    with Producer(ring):
        browse(server, f"?ring={ring}", says("Nothing was ever written"))


def test_a_ring_of_another_format_is_told_and_the_others_are_still_listed(server: Server, ring: str) -> None:
    strange = Path(f"/dev/shm{ring}_strange")
    strange.write_bytes(b"no ring at all".ljust(1 << 16, b"\0"))

    async def look(browser: Browser) -> None:
        await browser.until(lambda: "no ring of this format" in browser.said and len(browser.of("overview")) >= 2)

    with playing(ring, encoded(PLAIN)):
        browser = browse(server, f"?ring={ring}_strange", look)
    assert ring in [one["name"] for one in browser.of("overview")[-1]["rings"]]


def test_a_name_that_no_ring_can_have_is_told(server: Server) -> None:
    browse(server, "?ring=../etc", says("../etc"))


def test_jpeg_that_is_cut_off_is_told_and_whole_pictures_are_shown(server: Server, ring: str) -> None:
    whole, _ = stream(Codec.JPEG, 1)[0]

    async def look(browser: Browser) -> None:
        await browser.until(lambda: "a JPEG picture that is cut off" in browser.said)
        assert not browser.pictures
        producer.write(whole + b"stale", keyframe=True, codec=Codec.JPEG)
        await browser.until(lambda: bool(browser.pictures))

    with Producer(ring) as producer:
        producer.write(whole[:-40], keyframe=True, codec=Codec.JPEG)
        browser = browse(server, f"?ring={ring}", look)
    assert sent(browser) == [(KEYFRAME, whole)]


# ---- sound ----


@pytest.mark.parametrize(("codec", "name"), [("opus", "opus"), ("aac", "mp4a.40.2"), ("pcm", "pcm-s16")])
def test_sound_is_told_and_goes_as_it_is(server: Server, ring: str, codec: SoundCodec, name: str) -> None:
    with playing_sound(ring, codec):
        browser = browse(server, f"?ring={ring}", pictures(10))
    (told,) = browser.of("stream")
    assert (told["media"], told["codec_string"], told["sample_rate"], told["channels"]) == ("audio", name, 48000, 2)
    assert {data for _, data in sent(browser)} <= {data for data, _, _ in sound(codec)}


@pytest.mark.parametrize("codec", ["opus", "aac"])
def test_sound_goes_into_fragments_for_browsers_without_webcodecs(server: Server, ring: str, codec: SoundCodec) -> None:
    with playing_sound(ring, codec):
        browser = browse(server, f"?ring={ring}&form=mp4", pictures(20))
    with av.open(io.BytesIO(b"".join(data for _, data in browser.pictures)), "r") as film:
        (track,) = film.streams.audio
        assert (track.codec_context.name, track.rate, track.channels) == (codec, 48000, 2)
        samples = sum(frame.samples for frame in film.decode(track))
    assert samples >= 16 * 960


def test_what_is_no_aac_with_a_header_is_told(server: Server, ring: str) -> None:
    with playing_sound(ring, "aac", ((b"\x21\x10\x04", True, 0),)):
        browse(server, f"?ring={ring}", says("no AAC with an ADTS header"))


def test_the_overview_tells_pictures_from_sound(server: Server, ring: str) -> None:
    async def look(browser: Browser) -> None:
        await browser.until(lambda: len(browser.of("overview")) >= 2)

    with playing(ring, encoded(PLAIN)), playing_sound(f"{ring}_sound", "opus"):
        browser = browse(server, "", look)
    media = {one["name"]: one["media"] for one in browser.of("overview")[-1]["rings"]}
    assert (media[ring], media[f"{ring}_sound"]) == ("video", "audio")
