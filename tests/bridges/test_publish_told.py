# SPDX-License-Identifier: Apache-2.0
"""What vshm publish says when its far side is not as it should be."""

import socket

from far_sides import free_port, listener
from filmed import Filmed, encoded, filmed
from publishing import publishing
from sets_once import sets_once
from vshm import vshm

from vshm_ctypes import Codec
from vshm_ctypes.commandline.rate_limited_log import MOST_KINDS, SeldomEach


def test_a_far_side_that_hangs_up_is_told_with_its_address(ring: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, filmed(ring, fps=60):
        port = server.getsockname()[1]
        with publishing(ring, f"tcp://user:secret@127.0.0.1:{port}") as bridge:
            server.accept()[0].close()
            bridge.wait(lambda: "trying again" in bridge.said, "it says so")
            bridge.end()
    assert f"vshm: tcp://***@127.0.0.1:{port}: the far side has closed the connection: trying again in" in bridge.said
    assert "secret" not in bridge.said


def test_a_host_that_nobody_knows_is_told_as_that(ring: str) -> None:
    for url in ("rtsp://nobody.invalid:8554/live", "tcp://nobody.invalid:9"):
        with filmed(ring), publishing(ring, url) as bridge:
            bridge.wait(lambda: "trying again" in bridge.said, "it says so")
            assert bridge.end() == 1
        said = next(line for line in bridge.said.splitlines() if "trying again" in line)
        assert said.startswith(f"vshm: {url}: ")
        assert "resolution" in said or "Name or service not known" in said


def test_an_option_that_srt_does_not_have_here_is_refused_at_once(ring: str) -> None:
    for query in ("passphrase=0123456789ab&foo=1", "latency=soon", "mode=listener"):
        told = vshm("publish", ring, f"srt://127.0.0.1:{free_port()}?{query}")
        assert told.code == 2, query
        assert "is not an option here" in told.err
        assert "0123456789ab" not in told.err


def test_a_ring_whose_parameter_sets_are_gone_is_told_with_what_to_do(ring: str) -> None:
    units = sets_once(encoded(Codec.H264, 64, 48), Codec.H264, times=50)[1:]
    with Filmed(ring, units), publishing(ring, f"rtsp://127.0.0.1:{free_port()}/live") as bridge:
        bridge.wait(lambda: "undecodable" in bridge.stream()["dropped"], "it drops")
        assert bridge.end() == 1
    assert f"{ring}: frame " in bridge.said
    assert "is a keyframe without its parameter sets (SPS, PPS): let its encoder repeat them with each" in bridge.said
    assert bridge.said.count("without its parameter sets") == 1


def test_what_is_told_once_is_not_lost_beside_another_line(ring: str) -> None:
    with listener(reads=True) as (port, _), publishing(ring, f"tcp://127.0.0.1:{port}") as bridge:
        for codec in (Codec.H264, Codec.H265):
            with filmed(ring, codec):
                bridge.wait_for_sent(bridge.stream()["sent"] + 20)
        with filmed(ring, Codec.JPEG):
            bridge.wait(lambda: "undecodable" in bridge.stream()["dropped"], "it drops")
        bridge.end()
    assert "changed its format" in bridge.said
    assert "MPEG-TS takes no jpeg: publish by rtsp://, or let camera-streamer encode to H.264" in bridge.said


def test_lines_of_one_kind_are_limited_and_their_kinds_are_bounded() -> None:
    said: list[str] = []
    say = SeldomEach(said.append)
    for number in range(3):
        say(f"frame {number} is damaged")
        say(f"port {number} is closed")
    assert said == ["frame 0 is damaged", "port 0 is closed"]
    for letters in range(1, 1000):
        say("x" * letters)
    assert len(said) == MOST_KINDS + 1
