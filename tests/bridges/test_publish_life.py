# SPDX-License-Identifier: Apache-2.0
"""vshm publish, whatever becomes of its far side, of its rings and of itself."""

import hashlib
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Literal

import pytest
from far_sides import (
    PICTURES,
    RTSP,
    free_port,
    into,
    listener,
    listening_ffprobe,
    packets,
    picture_hashes,
    rtsp_server,
    told_packets,
    wait_for_begin,
    wait_for_port,
    whole_size,
)
from filmed import Filmed, encoded, filmed
from publishing import balance, fit, is_part_of, lost, publishing
from sets_once import sets_once
from vshm import vshm
from writers import ROOT, wait_until

from vshm_ctypes import AudioFormat, Codec, Producer
from vshm_ctypes.bridges.published import list_bridges

RATE, SAMPLES = 16000, 320  # 20 ms, which go into one packet of RTP


def test_after_the_server_was_killed_it_goes_on_at_a_keyframe(ring: str, tmp_path: Path) -> None:
    port, files = free_port(), [tmp_path / "before.ts", tmp_path / "after.ts"]

    def server(file: Path) -> str:
        return f"{PICTURES['h264']} ! mpegtsmux ! {into(file)}"

    with filmed(ring) as camera, publishing(ring, f"rtsp://127.0.0.1:{port}/live") as bridge:
        with rtsp_server(port, server(files[0])) as first:
            bridge.wait_for_sent(30)
            first.kill()
            first.wait()
        bridge.wait(lambda: bridge.told["state"] == "down", "it notices")
        with rtsp_server(port, server(files[1])):
            bridge.wait(lambda: bridge.told["state"] == "up" and bridge.told["reconnects"] == 1, "it is back")
            wait_for_begin(files[1])
            bridge.wait_for_sent(bridge.stream()["sent"] + 70)
            assert bridge.end() == 0
            whole_size(files[1])
        balance(bridge.stream())
        assert bridge.stream()["dropped"]["down"] > 0
    assert packets(files[1])[0].key
    path = tmp_path / "written.h264"
    path.write_bytes(b"".join(one.data for one in camera.written))
    written, recorded = picture_hashes(path, "-f", "h264"), picture_hashes(files[1])
    assert len(recorded) > 50
    assert is_part_of(recorded, written, lost(bridge.stream()) - bridge.stream()["dropped"]["down"])


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_parameter_sets_that_came_once_are_known_to_each_session(codec: Codec, ring: str, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "after.ts"
    kind = PICTURES[codec.name.lower()]
    with publishing(ring, f"rtsp://127.0.0.1:{port}/live") as bridge:
        bridge.wait(lambda: "waiting for its writer" in bridge.said, "it waits")
        with Filmed(ring, sets_once(encoded(codec, 64, 48), codec, times=50), codec=codec) as camera:
            with rtsp_server(port, f"{kind} ! fakesink"):
                bridge.wait_for_sent(40)
            wait_until(lambda: len(camera.written) > 100, "the ring has forgotten its beginning")
            with rtsp_server(port, f"{kind} ! mpegtsmux ! {into(file)}"):
                wait_for_begin(file)
                bridge.wait_for_sent(bridge.stream()["sent"] + 40)
                assert bridge.end() == 0
                whole_size(file)
    assert packets(file)[0].key
    assert len(picture_hashes(file)) > 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("where", ["refuses", "never answers", "never reads", "nobody there", "connected"])
def test_it_ends_at_once_whatever_it_waits_for(where: str, number: int, ring: str) -> None:
    with listener(reads=where == "connected") as (port, _), filmed(ring, fps=60):
        url = {
            "refuses": f"rtsp://127.0.0.1:{free_port()}/live",
            "never answers": f"rtsp://127.0.0.1:{port}/live",
            "nobody there": "tcp://192.0.2.1:9",  # TEST-NET-1: no answer, or no route
        }.get(where, f"tcp://127.0.0.1:{port}")
        with publishing(ring, url) as bridge:
            bridge.wait(lambda: bridge.stream().get("received", 0) > 60, "frames come")
            children = Path(f"/proc/{bridge.process.pid}/task").glob("*/children")
            muxers = [int(pid) for one in children for pid in one.read_text().split()]
            assert bridge.end(number) == (0 if bridge.stream()["sent"] else 1)
            balance(bridge.stream())
            assert bridge.stream()["pending"] == 0
            assert not [pid for pid in muxers if Path(f"/proc/{pid}").exists()]
    assert [one for one in list_bridges() if one.figures.streams[0].ring == ring] == []


def test_its_muxer_ends_with_it_even_if_it_is_killed(ring: str) -> None:
    with listener(reads=False) as (port, _), filmed(ring), publishing(ring, f"rtsp://127.0.0.1:{port}/live") as bridge:
        bridge.wait(lambda: bridge.stream().get("received", 0) > 10, "frames come")
        children = Path(f"/proc/{bridge.process.pid}/task").glob("*/children")
        muxers = [int(pid) for one in children for pid in one.read_text().split()]
        assert muxers
        os.kill(bridge.process.pid, signal.SIGKILL)
        bridge.process.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in muxers), "the muxer ends")
        for left in list_bridges():
            if left.figures.streams[0].ring == ring:
                left.path.unlink()


def test_a_far_side_that_is_slow_loses_whole_groups_of_pictures_and_they_are_counted(ring: str) -> None:
    units = encoded(Codec.H264, 640, 480)
    with (
        listener(reads=False) as (port, _),
        Filmed(ring, units, (640, 480), fps=120),
        publishing(ring, f"tcp://127.0.0.1:{port}") as bridge,
    ):
        bridge.wait(lambda: bridge.stream()["dropped"].get("slow", 0) >= 20, "it drops")
        assert bridge.stream()["missed"] == 0  # it goes on reading
        assert bridge.stream()["pending"] < 200
        bridge.end()
        balance(bridge.stream())


def test_pictures_of_another_size_begin_another_session(ring: str, tmp_path: Path) -> None:
    port, told = free_port(), [tmp_path / "first.json", tmp_path / "second.json"]
    url = f"rtsp://127.0.0.1:{port}/live"
    with publishing(ring, url) as bridge:
        with listening_ffprobe(url, told[0], *RTSP), filmed(ring, shape=(64, 48)):
            bridge.wait_for_sent(30)
        with listening_ffprobe(url, told[1], *RTSP, "-show_streams"), filmed(ring, shape=(128, 96)):
            wait_for_port(port)
            bridge.wait(lambda: "begins anew" in bridge.said or bridge.told["reconnects"] > 0, "it begins anew")
            sent = bridge.stream()["sent"]
            bridge.wait_for_sent(sent + 40)
            bridge.end()
        balance(bridge.stream())
    assert "width=128" in told[1].read_text()
    assert told_packets(told[0].read_text())[0].key


def test_the_server_is_not_lost_when_pictures_change_their_size(ring: str) -> None:
    with listener(reads=True) as (port, counts), publishing(ring, f"tcp://127.0.0.1:{port}") as bridge:
        with filmed(ring, shape=(64, 48)):
            bridge.wait_for_sent(30)
        with filmed(ring, shape=(128, 96)):
            sent = bridge.stream()["sent"]
            bridge.wait_for_sent(sent + 30)
        assert (len(counts), bridge.told["reconnects"], bridge.told["error"]) == (2, 1, None)
        assert "changed its format" in bridge.said
        bridge.end()
        balance(bridge.stream())


def test_a_writer_that_is_started_again_goes_on_in_the_same_session(ring: str, tmp_path: Path) -> None:
    port, told = free_port(), tmp_path / "told.json"
    url, written = f"rtsp://127.0.0.1:{port}/live", []
    with listening_ffprobe(url, told, *RTSP), publishing(ring, url) as bridge:
        wait_for_port(port)
        for count in (30, 60):
            with filmed(ring) as camera:
                bridge.wait_for_sent(count)
            written += camera.written
        assert bridge.told["reconnects"] == 0
        bridge.end()
    arrived = told_packets(told.read_text())
    assert len(arrived) >= 50
    assert (arrived[-1].pts_s or 0) - (arrived[1].pts_s or 0) > 1.5
    assert written


def sound_of(number: int, order: Literal["little", "big"]) -> bytes:
    return (number % 100 * 100).to_bytes(2, order) * SAMPLES


def sounding(ring: str, over: threading.Event, captures_ns: list[int]) -> threading.Thread:
    """Write sound, 20 ms of PCM at a time, and note when it was captured."""

    def write() -> None:
        with Producer(ring) as producer:
            number, begin = 0, time.monotonic()
            # Pauses that grow, so that it is clear which frame is which.
            while not over.wait(
                max(0.0, begin + (at_s := number * 0.02 + (number // 10) ** 2 * 0.005) - time.monotonic())
            ):
                with producer.reserve() as slot:
                    data = sound_of(number, "little")
                    slot.data[: len(data)] = data
                    captures_ns.append(round((begin + at_s) * 1e9))
                    meta = AudioFormat(RATE, 1, SAMPLES).meta()
                    slot.commit(len(data), codec=Codec.PCM_S16LE, capture_ns=captures_ns[-1], **meta)
                number += 1

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_two_cameras_and_sound_go_together_by_one_clock(ring: str, tmp_path: Path) -> None:
    port, told, over = free_port(), tmp_path / "told.json", threading.Event()
    url, rings = f"rtsp://127.0.0.1:{port}/live", [ring, f"{ring}_b", f"{ring}_sound"]
    heard_ns: list[int] = []
    thread = sounding(rings[2], over, heard_ns)
    try:
        with (
            listening_ffprobe(url, told, *RTSP),
            filmed(rings[0]) as one,
            filmed(rings[1], Codec.H265) as two,
        ):
            wait_for_port(port)
            with publishing(*rings, url) as bridge:
                bridge.wait_for_sent(100)
                bridge.end()
                for stream in bridge.told["streams"]:
                    balance(stream)
                    assert stream["sent"] > 50
    finally:
        over.set()
        thread.join()
    arrived = told_packets(told.read_text())
    streams = [[packet for packet in arrived if packet.stream == number][2:] for number in range(3)]
    captured = [[of.capture_ns for of in camera.written] for camera in (one, two)]
    fits = [
        fit(*each, lost(bridge.stream(at))) for at, each in enumerate(zip((*captured, heard_ns), streams, strict=True))
    ]
    assert min(map(len, streams)) > 50
    sounds = {hashlib.md5(sound_of(number, "big")).hexdigest() for number in range(100)}
    assert {packet.md5 for packet in streams[2]} <= sounds  # RTP has the high byte first
    assert max(error_ms for error_ms, _ in fits[:2]) < 1
    assert abs(fits[0][1] - fits[1][1]) < 0.001  # one clock for both
    assert abs(fits[0][1] - fits[2][1]) < 0.012  # sound may be moved by half a frame, so that its samples are even


def test_a_ring_that_nobody_writes_does_not_hold_up_the_others(ring: str) -> None:
    with (
        listener(reads=True) as (port, _),
        filmed(ring),
        publishing(ring, f"{ring}_none", f"tcp://127.0.0.1:{port}") as bridge,
    ):
        bridge.wait_for_sent(30)
        assert "waiting for its writer" in bridge.said
        with filmed(f"{ring}_none"):
            bridge.wait_for_sent(20, 1)  # in a session of its own making
        bridge.end()
        for stream in bridge.told["streams"]:
            balance(stream)


def test_a_password_is_never_told(ring: str, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "url"
    file.write_text(f"rtsp://me:s3cret@127.0.0.1:{port}/live\n")
    with filmed(ring), publishing(ring, "--url-file", str(file)) as bridge:
        bridge.wait(lambda: bool(bridge.told) and bridge.told["error"] is not None, "it is refused")
        with rtsp_server(port, f"{PICTURES['h264']} ! fakesink", "me", "s3cret"):
            bridge.wait_for_sent(10)
        with rtsp_server(port, f"{PICTURES['h264']} ! fakesink", "me", "other"):
            bridge.wait(lambda: "401" in bridge.told["error"], "not let in")
        process = Path(f"/proc/{bridge.process.pid}")
        words = [path.read_text() for path in (process / "cmdline", process / "environ")]
        published = [one.path.read_bytes() for one in list_bridges() if one.pid == bridge.process.pid]
        shown = vshm("export", "--json").out
        sent = bridge.stream()["sent"]
        with rtsp_server(port, f"{PICTURES['h264']} ! fakesink", "me", "s3cret"):
            bridge.wait_for_sent(sent + 10)  # it had let us in before, so it was asked again
        bridge.end()
    assert published
    assert "s3cret" not in "".join([*words, *map(repr, published), shown, bridge.said, str(bridge.told)])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no URL"),
        (["/x", "http://h/"], "http:// is not known"),
        (["/x", "host:80"], "it begins with one of"),
        (["/x", "srt://host"], "names no port"),
        (["/x", "rtsp:///live"], "names no host"),
        (["/x", "unix+mpegts://path"], "a socket's path is absolute"),
        (["/x", f"unix+mpegts:///{107 * 'p'}"], "a socket's path has 107 bytes at most, and this one has 108"),
        (["/x", "/x", "udp://h:1"], "each ring once"),
        (["/x", "rtsp://me:s3cret@h:port/"], "***@h:port"),
        (["/x", "rtsp://me:s3cret#@h/live"], "# as %23"),
        (["/x", "rtsp://me:/s3cret@h/live"], "/ is written as %2F"),
        (["/x", "me:s3cret@h/live"], "it begins with one of"),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], told: str) -> None:
    outcome = vshm("publish", *words)
    assert outcome.code == 2
    assert told in outcome.err and "s3cret" not in outcome.err


UNIT = ROOT / "vshm_ctypes" / "cli" / "publish" / "vshm-publish@.service"


def test_the_unit_is_one_that_systemd_takes_and_shows_no_password(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here: apt-get install systemd")
    text = UNIT.read_text()
    assert "--url-file ${CREDENTIALS_DIRECTORY}/url" in text
    assert "DynamicUser" not in text and "PrivateIPC" not in text  # both take the rings away
    copy = tmp_path / "vshm-publish@front.service"

    def complaints(text: str) -> list[str]:
        copy.write_text(text.replace("/usr/local/bin/vshm", "/bin/true"))
        command = ["systemd-analyze", "verify", "--man=no", str(copy)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        return [line for line in result.stderr.splitlines() if copy.name in line]

    assert complaints(text) == []
    assert complaints(text.replace("Type=exec", "Type=magic"))
