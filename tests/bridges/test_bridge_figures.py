# SPDX-License-Identifier: Apache-2.0
"""What bridges tell of themselves, to other processes too: never a credential, and nothing of strangers is believed."""

import json
import os
import time
from pathlib import Path

import pytest
from children import running
from vshm import vshm
from writers import SHARED_MEMORY, wait_until

from vshm_ctypes.bridges.address import redacted
from vshm_ctypes.bridges.back_off import SPREAD, BackOff
from vshm_ctypes.bridges.figures import Cause, Link
from vshm_ctypes.bridges.publication import Shown
from vshm_ctypes.bridges.published import HEAD, MAGIC, PREFIX, SIZE, VERSION, PublishedBridge, list_bridges, parse
from vshm_ctypes.bridges.statistics import Statistics
from vshm_ctypes.commandline.output import plain

SECRETS = [
    "rtsp://me:s3cret@camera/live",
    "rtsp://me:s3cret@[fe80::1]:554/live?a=b",
    "srt://host:9000?mode=caller&passphrase=s3cret&latency=20",
    "rtmp://host/app?streamkey=s3cret",
    "srt://host:8890?streamid=publish:cam:me:s3cret",
    "srt://host:8890?streamid=#!::m=publish,r=cam,u=me,s=s3cret&latency=20",
    "https://s3cret@host/whip",
    "rtsp://me:s3%63ret@host/",
    # As people write them: each of these ends the host too soon.
    "rtsp://me:s3cret/@camera/live",
    "rtsp://me:/s3cret@camera/live",
    "rtsp://me:s3cret#@camera/live",
    "rtsp://me:s3cret?@camera/live",
    "rtsp:me:s3cret@camera/live",
    "me:s3cret@camera",
]

SHOWS = """
import sys, time
from vshm_ctypes.bridges.publication import Shown
from vshm_ctypes.bridges.statistics import Statistics
with Shown(Statistics("publish", "rtsp://me:s3cret@host/live", [sys.argv[1]])):
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("address", SECRETS)
def test_credentials_are_never_told(address: str) -> None:
    statistics = Statistics("publish", address, ["/ring"])
    statistics.down(f"can't open {address}: 401, password s3cret is wrong")
    told = json.dumps(plain(statistics.figures()))
    assert "s3cret" not in told and "s3%63ret" not in told
    assert address.rpartition("@")[2].partition("?")[0] in told


def test_an_address_without_credentials_is_told_as_it_is() -> None:
    address = "rtsp://host:8554/camera/1?transport=tcp"
    assert redacted(address, address) == address


def test_attempts_come_ever_more_seldom_until_one_succeeds() -> None:
    waits, back_off = [], BackOff(1, 8)
    for _ in range(6):
        waits.append(back_off.next_s())
    for wait_s, expected in zip(waits, (1, 2, 4, 8, 8, 8), strict=True):
        assert wait_s == pytest.approx(expected, rel=SPREAD + 0.01)
    back_off.reset()
    assert back_off.next_s() == pytest.approx(1, rel=SPREAD + 0.01)


def bridges_of(ring: str) -> list[PublishedBridge]:
    return [bridge for bridge in list_bridges() if [stream.ring for stream in bridge.figures.streams] == [ring]]


def test_other_processes_see_the_figures_as_long_as_the_bridge_lives(ring: str) -> None:
    statistics = Statistics("publish", "srt://host:1", [ring])
    (stream,) = statistics.streams
    with Shown(statistics) as shown:
        for _ in range(3):
            stream.receive()
        stream.send(100, time.monotonic_ns() - 5_000_000, time.monotonic_ns())
        stream.drop(Cause.SLOW)
        stream.set_losses(7, 8)
        statistics.up()

        def is_told() -> bool:
            shown.update()
            return bridges_of(ring)[0].figures.streams[0].received == 3

        wait_until(is_told, "the figures are published")
        (bridge,) = bridges_of(ring)
        assert bridge.figures == statistics.figures()
        assert (bridge.pid, bridge.alive, bridge.figures.state) == (os.getpid(), True, Link.UP)
        (told,) = bridge.figures.streams
        assert (told.sent, told.sent_bytes, told.dropped, told.missed, told.skipped) == (1, 100, {Cause.SLOW: 1}, 7, 8)
        assert told.pending == 1
        samples = vshm("export", "--json").json["samples"]
    own = {s["name"]: s["value"] for s in samples if s["labels"].get("process", "").startswith(f"{os.getpid()}_")}
    assert (own["vshm_bridge_up"], own["vshm_bridge_sent_bytes_total"]) == (1, 100)
    assert (own["vshm_bridge_missed_frames_total"], own["vshm_bridge_dropped_frames_total"]) == (7, 1)
    assert bridges_of(ring) == []


def test_what_a_killed_bridge_left_is_told_and_removed(ring: str, alone: None) -> None:
    with running(SHOWS, ring) as bridge:
        (shown,) = bridges_of(ring)
        assert "s3cret" not in shown.path.read_bytes().decode(errors="replace")
        assert str(shown.path) not in [one["subject"] for one in vshm("check", "--json").json["findings"]]
        bridge.kill()
        bridge.wait(60)
    (left,) = bridges_of(ring)
    assert not left.alive
    found = [one for one in vshm("check", "--json").json["findings"] if one["subject"] == str(left.path)]
    assert [one["code"] for one in found] == ["stale-publication"]
    vshm("check", "--clean")
    assert not left.path.exists()
    assert [s for s in vshm("export", "--json").json["samples"] if s["name"].startswith("vshm_bridge")] == []


GOOD = plain(Statistics("publish", "srt://host:1", ["/ring"]).figures())


def test_what_a_bridge_wrote_is_read() -> None:
    assert parse(json.dumps(GOOD).encode()) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"state": "flying"},
        {"reconnects": -1},
        {"reconnects": 2**64},
        {"reconnects": True},
        {"reconnects": 1.5},
        {"far": "x" * 600},
        {"far": 7},
        {"error": []},
        {"streams": 7},
        {"streams": [[]]},
        {"streams": [GOOD["streams"][0] | {"sent": "1"}]},
        {"streams": [GOOD["streams"][0] | {"dropped": {"whim": 1}}]},
        {"streams": [GOOD["streams"][0] | {"dropped": 5}]},
        {"streams": [GOOD["streams"][0] | {"p50_ms": float("nan")}]},
        {"streams": [GOOD["streams"][0] | {"p99_ms": float("inf")}]},
    ],
)
def test_what_no_bridge_would_write_is_not_believed(change: dict[str, object]) -> None:
    assert parse(json.dumps(GOOD | change).encode()) is None


def test_text_of_strangers_is_printable_and_there_are_not_many_streams() -> None:
    found = parse(json.dumps(GOOD | {"far": "\x1b[2J\n", "streams": GOOD["streams"] * 1000}).encode())
    assert found is not None and found.far.isprintable() and len(found.streams) <= 32


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 9000, b"7", b"null", b"\xff", b"9" * 9000])
def test_what_is_no_json_is_not_believed(content: bytes) -> None:
    assert parse(content) is None


@pytest.mark.parametrize("kind", ["empty", "short", "garbage", "torn", "long text", "larger", "folder", "link", "fifo"])
def test_an_object_that_is_none_is_passed_over(kind: str, alone: None) -> None:
    path = SHARED_MEMORY / f"{PREFIX}{os.getpid()}_{kind[:4]}"
    text = json.dumps(GOOD).encode() if kind == "larger" else b"{}"
    head = HEAD.pack(MAGIC, VERSION, 1, 1, 1, 7, 0, 2**32 - 1 if kind == "long text" else len(text)) + text
    content = {"empty": b"", "short": head, "garbage": os.urandom(SIZE)}
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(Path("/etc/passwd"))
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        again = 8 if kind == "torn" else 7
        whole = head.ljust(SIZE - 8, b"\0") + again.to_bytes(8, "little") + bytes(8 if kind == "larger" else 0)
        path.write_bytes(content.get(kind, whole))
    assert list_bridges() == []
