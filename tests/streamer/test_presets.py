# SPDX-License-Identifier: Apache-2.0
"""camera-streamer in the place of the original's service: its channels, its port, and who may read."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from streamers import TIMEOUT_S, end, streaming

from hil.streamer.arguments import build_parser
from hil.streamer.channels import Channel, ChannelError
from hil.streamer.main import audio_of, channels_of
from hil.streamer.presets import preset_of
from vshm_ctypes import inspect

ORIGINALS = ["/video_stream_ch0", "/video_stream_ch1", "/video_stream_ch2"]


def rings(*words: str, **config: Any) -> list[str]:
    return [channel.ring for channel in channels_of(build_parser().parse_args(words), config)]


def port(*words: str, **config: Any) -> str:
    return preset_of(build_parser().parse_args(words), config).websocket


def test_the_originals_channels_and_port_are_served_where_it_is_said() -> None:
    assert rings("--preset", "original") == rings(preset="original") == ORIGINALS
    assert port("--preset", "original") == port(preset="original") == "8765"


def test_without_it_nothing_changes() -> None:
    assert (rings(), port()) == (["/video_stream"], "")


def test_channels_that_are_said_are_served_in_place_of_a_presets() -> None:
    assert rings("--preset", "original", "--channel", "7:") == ["/video_stream_ch7"]
    assert rings("--preset", "original", channel=[{"ring": 8}]) == ["/video_stream_ch8"]


def test_what_is_no_preset_is_refused() -> None:
    with pytest.raises(ChannelError, match="preset=newest: one of original"):
        rings(preset="newest")


def free(number: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", number)) != 0


async def heads() -> list[int]:
    """Return the first byte of a message of each channel, at the original's port."""
    found = []
    async with aiohttp.ClientSession() as session:
        for number in range(len(ORIGINALS)):
            async with session.ws_connect(f"http://127.0.0.1:8765/?channel={number}") as connection:
                found.append((await connection.receive_bytes())[0])
    return found


def test_it_serves_all_of_it_at_once() -> None:
    if not free(8765) or any(Path(f"/dev/shm{ring}").exists() for ring in ORIGINALS):
        pytest.skip("somebody has the original's port or its rings here: stop that service")
    words = ["--preset", "original", "--device", "testsrc:320x240@10", "--stats"]
    with streaming(ORIGINALS[2], *words) as process:
        assert asyncio.run(asyncio.wait_for(heads(), TIMEOUT_S)) == [0, 1, 2]
        assert list(end(process)) == ORIGINALS


# ---- who may read ----


def test_a_mode_is_octal_however_it_is_said() -> None:
    said = [Channel.parse(f"0:mode={words}").mode for words in ("0666", "666", "0o666")]
    assert said == [0o666] * 3
    assert Channel.of_table({"mode": "0640"}).mode == 0o640
    assert Channel().mode == 0o660


@pytest.mark.parametrize("words", ["999", "0", "01666", "rw-rw-rw-", ""])
def test_what_is_no_mode_is_refused(words: str) -> None:
    with pytest.raises(ChannelError, match="permission bits in octal"):
        Channel.parse(f"0:mode={words}")


def test_a_number_in_a_file_is_refused_since_it_would_be_decimal() -> None:
    with pytest.raises(ChannelError, match='in a file "0666"'):
        Channel.of_table({"mode": 400})


def test_a_mode_is_of_rings_that_do_not_say() -> None:
    words = ["--mode", "0666", "--channel", "0:", "--channel", "1:mode=0600", "--audio", "testaudio"]
    arguments = build_parser().parse_args(words)
    channels = channels_of(arguments, {})
    sound = audio_of(arguments, {}, channels)
    assert sound is not None
    assert [channel.mode for channel in (*channels, sound.channel())] == [0o666, 0o600, 0o666]
    arguments = build_parser().parse_args([])
    assert [channel.mode for channel in channels_of(arguments, {"mode": "0644"})] == [0o644]


def test_rings_have_the_mode_that_is_said(ring: str) -> None:
    sound = f"{ring}_sound"
    words = ["--device", "testsrc:320x240@10", "--channel", f"{ring}:", "--mode", "0606", "--stats"]
    with streaming(ring, *words, "--audio", f"testaudio,codec=pcm,ring={sound},mode=0604") as process:
        assert [inspect(name).mode for name in (ring, sound)] == [0o606, 0o604]
        end(process)
