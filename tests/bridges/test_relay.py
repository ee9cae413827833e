# SPDX-License-Identifier: Apache-2.0
"""A ring of one machine on another one, whose clock is a thousand seconds ahead."""

import json
import subprocess
import sys
from typing import Any

import pytest
from machines import Machine, two_machines
from relay_link import AHEAD_S, Relay, holes, relay  # noqa: F401
from writers import WATCHDOG_S, wait_until

from vshm_ctypes import Flag, Media


def test_frames_arrive_with_their_bytes_flags_and_times(relay: Relay) -> None:  # noqa: F811
    relay.start_camera()
    relay.start_import()
    relay.wait_frames(60)
    clock = relay.imported()["clocks"][0]
    pairs = relay.pairs()
    frames = [frame for frame, _ in pairs]
    assert frames[0]["flags"] & Flag.DISCONTINUITY
    for frame, source in pairs:
        assert frame["crc"] == source["crc"]
        assert frame["ms"] == source["ms"]
        assert frame["stream"] == source["stream"]
        assert frame["flags"] & ~Flag.DISCONTINUITY == source["flags"]
        # The machines share one clock but for what was set between them, so that the error is known.
        error_ns = frame["capture_ns"] - AHEAD_S * 10**9 - source["capture_ns"]
        assert abs(error_ns) <= relay.first_uncertainty_ns + 5_000_000  # which was told after the first frames
    true_ns = AHEAD_S * 10**9
    assert abs(clock["offset_ns"] - true_ns) <= clock["uncertainty_ns"]
    assert holes(frames) <= relay.end()


def test_a_late_import_begins_with_the_keyframe_that_was_written_before_it(relay: Relay) -> None:  # noqa: F811
    relay.start_camera(fps=10, gop=100_000)  # its only keyframe is the first frame
    wait_until(lambda: len(relay.written()) > 10, "the camera has written some frames")
    relay.start_import()
    relay.wait_frames(30)
    assert [frame["number"] for frame in relay.frames()[:30]] == list(range(30))


def test_the_books_balance_from_the_camera_to_the_reader(relay: Relay) -> None:  # noqa: F811
    relay.start_camera()
    relay.start_import()
    relay.wait_frames(60)
    relay.camera.terminate()
    relay.wait_end()
    here, there = relay.end_export()["streams"][0], relay.end_import()["streams"][0]
    assert here["received"] == here["sent"] + sum(here["dropped"].values())
    # The export began at a keyframe; what was written before it is not its own.
    earlier = len(relay.written()) - here["received"] - here["missed"] - here["skipped"]
    assert 0 <= earlier <= relay.frames()[0]["number"]
    assert relay.written()[earlier]["keyframe"]
    assert there["received"] == there["sent"] + sum(there["dropped"].values())
    recalled = there["received"] + there["missed"] - here["sent"]
    assert 0 <= recalled <= here["dropped"].get("down", 0)
    assert there["sent"] == len(relay.frames())


def test_an_import_ends_when_it_is_told_while_frames_go_on_coming(relay: Relay) -> None:  # noqa: F811
    relay.start_camera()
    relay.start_import()
    assert relay.end_import()["streams"][0]["sent"] > 0
    assert relay.camera.poll() is None
    relay.wait_end()


@pytest.mark.parametrize("kind", ["sound", "raw"])
def test_other_kinds_of_rings_are_the_same_there(relay: Relay, kind: str) -> None:  # noqa: F811
    relay.start_camera(gop=1, size=kind)
    relay.start_import()
    relay.wait_frames(30)
    for frame, source in relay.pairs():
        assert all(frame[what] == source[what] for what in ("crc", "ms", "stream", "reserved"))
    info = json.loads(relay.far.vshm("show", "here", "--json", check=True).stdout)["info"]
    assert (info["slots"], info["slot_size"]) == (120, 1 << 18)
    assert info["media"] == (Media.AUDIO if kind == "sound" else Media.VIDEO)


def test_what_is_exported_is_listed_with_its_clock(relay: Relay) -> None:  # noqa: F811
    assert relay.far.vshm("relay", "list", "-t", "1", *relay.connect).returncode == 1
    relay.start_camera()
    listed: dict[str, Any] = {}

    def is_listed() -> bool:
        told = relay.far.vshm("relay", "list", "--json", *relay.connect)
        listed.update(json.loads(told.stdout))
        return told.returncode == 0 and listed["exports"][0]["about"]["codec"] is not None

    wait_until(is_listed, "the camera's ring is listed, with what its first frame tells")
    (export,) = listed["exports"]
    assert export["source"] == "front/cam"
    assert (export["about"]["slots"], export["about"]["width"], export["about"]["codec"]) == (120, 1280, "h265")
    assert abs(export["clock"]["offset_ns"] - AHEAD_S * 10**9) <= export["clock"]["uncertainty_ns"]
    assert "front/cam" in relay.far.vshm("relay", "list", *relay.connect).stdout


def test_nothing_is_open_to_other_machines_unless_it_was_asked_for() -> None:
    with two_machines() as (near, far):
        exporter = near.start(sys.executable, "-m", "vshm_ctypes", "relay", "export", "cam", stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: bool(_listeners(near)), "the exporter listens")
            assert _listeners(near) == {"127.0.0.1:7447"}
            importer = far.start(sys.executable, "-m", "vshm_ctypes", "relay", "import", "a/b", stderr=subprocess.PIPE)
            try:
                assert importer.stderr is not None
                assert "waiting for a/b" in importer.stderr.readline()
                assert _listeners(far) == set()
            finally:
                importer.terminate()
                importer.communicate(timeout=WATCHDOG_S)
            assert importer.returncode == 1  # nothing was written
        finally:
            exporter.terminate()
            assert exporter.wait(WATCHDOG_S) == 0


def _listeners(machine: Machine) -> set[str]:
    """Return the addresses at which programs of the machine take connections, or datagrams."""
    return {line.split()[4] for line in machine.run("ss", "-Htuln").stdout.splitlines()}
