# SPDX-License-Identifier: Apache-2.0
"""vshm publish to GStreamer's RTSP server, SRT and sockets: whole pictures, at the times of their capture."""

import socket
from contextlib import suppress
from ctypes import CDLL
from pathlib import Path

import pytest
from far_sides import (
    PICTURES,
    RTSP,
    free_port,
    into,
    listening_ffprobe,
    packets,
    picture_hashes,
    rtsp_server,
    told_packets,
    wait_for_begin,
    wait_for_port,
    whole_size,
)
from filmed import Filmed, filmed
from jpegs import jpeg
from judges import missing
from publishing import balance, fit, is_part_of, lost, publishing, worst_error_ms
from writers import wait_until

from vshm_ctypes import Codec, Producer
from vshm_ctypes.cli.publish.srt import LIBRARIES

CODED = [Codec.H264, Codec.H265]


def written_hashes(camera: Filmed, codec: Codec, tmp_path: Path) -> list[str]:
    """Return the hash of each written picture, decoded."""
    path = tmp_path / "written.bin"
    path.write_bytes(b"".join(one.data for one in camera.written))
    return picture_hashes(path, "-f", {Codec.H264: "h264", Codec.H265: "hevc"}[codec])


def has_library(name: str) -> bool:
    with suppress(OSError):
        return bool(CDLL(name))
    return False


@pytest.mark.parametrize("codec", CODED)
def test_a_server_gets_each_picture_as_it_was_written(codec: Codec, ring: str, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "recorded.ts"
    pipeline = f"{PICTURES[codec.name.lower()]} ! mpegtsmux ! {into(file)}"
    with rtsp_server(port, pipeline), filmed(ring, codec) as camera:
        with publishing(ring, f"rtsp://127.0.0.1:{port}/live") as bridge:
            wait_for_begin(file)
            bridge.wait_for_sent(bridge.stream()["sent"] + 100)
            assert bridge.end() == 0
        whole_size(file)
        stream = bridge.stream()
        balance(stream)
        assert set(stream["dropped"]) <= {"down", "ended", "slow"}  # as on a busy machine
        assert packets(file)[0].key
    recorded = picture_hashes(file)
    assert len(recorded) >= 85  # a few are still in the server's queue when the session ends
    assert is_part_of(recorded, written_hashes(camera, codec, tmp_path), lost(stream))


@pytest.mark.parametrize(("codec", "bframes"), [(Codec.H264, 0), (Codec.H264, 2), (Codec.H265, 0)])
def test_the_times_at_the_far_side_are_those_of_capture(codec: Codec, bframes: int, ring: str, tmp_path: Path) -> None:
    port, told = free_port(), tmp_path / "told.json"
    url = f"rtsp://127.0.0.1:{port}/live"
    with listening_ffprobe(url, told, *RTSP), filmed(ring, codec, bframes=bframes) as camera:
        wait_for_port(port)
        with publishing(ring, url) as bridge:
            bridge.wait_for_sent(60)
            bridge.end()
    arrived = told_packets(told.read_text())
    assert len(arrived) >= 50
    if bframes:  # written in decoding order, with times that rise: the times of what is shown rise, too
        arrived = sorted((one for one in arrived if one.pts_s is not None), key=lambda one: one.pts_s or 0)
    assert worst_error_ms(camera.written, arrived, bridge.stream()) < 1


def test_a_socket_gets_a_transport_stream_with_the_times_of_capture(ring: str, tmp_path: Path) -> None:
    path, told = tmp_path / "video@1 ?#%20.sock", tmp_path / "told.json"
    with listening_ffprobe(f"unix:{path}", told, "-f", "mpegts", "-listen", "1"), filmed(ring) as camera:
        wait_until(path.exists, "ffprobe listens")
        with publishing(ring, f"unix+mpegts://{path}") as bridge:
            bridge.wait_for_sent(60)
            bridge.end()
    arrived = told_packets(told.read_text())
    assert len(arrived) >= 50 and arrived[0].key
    assert worst_error_ms(camera.written, arrived, bridge.stream()) < 1


@pytest.mark.parametrize("query", ["", "passphrase=0123456789ab&latency=80&"])
def test_srt_gets_a_transport_stream_with_the_times_of_capture(query: str, ring: str, tmp_path: Path) -> None:
    if not any(map(has_library, LIBRARIES)):
        missing("no libsrt here")
    port, told = free_port(socket.SOCK_DGRAM), tmp_path / "told.json"
    listener = f"srt://127.0.0.1:{port}?{query}mode=listener"
    with (
        listening_ffprobe(listener, told, "-f", "mpegts"),
        filmed(ring) as camera,
        publishing(ring, f"srt://127.0.0.1:{port}?{query}".rstrip("?&")) as bridge,
    ):
        bridge.wait_for_sent(75)
        assert "0123456789ab" not in bridge.said + str(bridge.told)
        bridge.end()
    arrived = told_packets(told.read_text())
    assert len(arrived) >= 50
    # SRT gives up what comes too late, as on a busy machine, and nobody is told how much.
    assert fit([one.capture_ns for one in camera.written], arrived[1:-1], absent=len(camera.written))[0] < 1


def test_jpeg_goes_over_rtp_where_it_can_and_is_refused_where_not(ring: str, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "recorded.mkv"
    pipeline = f"rtpjpegdepay name=depay0 ! matroskamux streamable=true ! {into(file)}"
    with rtsp_server(port, pipeline), filmed(ring, Codec.JPEG) as camera:
        with publishing(ring, f"rtsp://127.0.0.1:{port}/live") as bridge:
            wait_for_begin(file)
            bridge.wait_for_sent(bridge.stream()["sent"] + 70)
            bridge.end()
        with publishing(ring, f"unix+mpegts://{tmp_path}/none.sock") as refused:
            assert refused.process.wait(60) == 2
            refused.wait(lambda: "MPEG-TS takes no jpeg" in refused.said, "it says so")
        whole_size(file)
    path = tmp_path / "written.mjpeg"
    path.write_bytes(b"".join(one.data for one in camera.written))
    recorded = picture_hashes(file)
    assert len(recorded) >= 50
    assert is_part_of(recorded, picture_hashes(path, "-f", "mjpeg"), lost(bridge.stream()))


@pytest.mark.parametrize(
    ("variant", "why"),
    [("own tables", "Huffman"), ("progressive", "baseline"), ("restarts", "restart intervals"), ("4:4:4", "4:2:0")],
)
def test_jpeg_that_rtp_can_not_carry_is_not_lost_in_silence(variant: str, why: str, ring: str) -> None:
    unfit = jpeg(variant)
    with Producer(ring) as producer, publishing(ring, f"rtsp://127.0.0.1:{free_port()}/live") as bridge:

        def refused() -> bool:
            producer.write(unfit, keyframe=True, codec=Codec.JPEG)
            return why in bridge.said and "undecodable" in bridge.stream()["dropped"]

        bridge.wait(refused, "it says why")
        bridge.end()
