# SPDX-License-Identifier: Apache-2.0
"""Where decoding can begin, as list, show, watch and check tell of it: IDR pictures and recovery points."""

import json
import re
import subprocess
import sys

import pytest
from coded_streams import BEGIN_NS, FRAME_NS, KINDS, PERIOD, Coded, put, units
from vshm import codes, vshm

from vshm_ctypes import Codec, Producer
from vshm_ctypes.bitstream import EntryPoint

IN_RING = {"h264": {"idr": 3, "recovery_point": 0}, "h264 refresh": {"idr": 0, "recovery_point": 3}}


@pytest.mark.parametrize("kind", IN_RING)
def test_show_and_list_tell_idr_pictures_from_recovery_points(ring: str, kind: str) -> None:
    with Producer(ring, slots=30) as producer:
        Coded(producer, kind).write(60)
        shown, listed = vshm("show", ring, "--json", "-s", "0.1"), vshm("list", "--json", "-s", "0.1")
        text = vshm("show", ring, "-s", "0.1").out
    expected = IN_RING[kind]
    assert not any("GOP" in warning for warning in shown.json["warnings"])
    assert shown.json["keyframes"] == expected
    assert sum(slot["recovery_point"] for slot in shown.json["slots"]) == expected["recovery_point"]
    (line,) = (line for line in listed.json["rings"] if line["name"] == ring)
    assert (line["keyframes"], line["gop_exceeds_ring"]) == (expected, False)
    assert f"in the ring {expected['idr']} IDR, {expected['recovery_point']} recovery points" in text
    kinds = re.findall(r"^ *\d+ +\d+ .*? ([IRP]) +h264 ", text, flags=re.MULTILINE)
    assert (kinds.count("I"), kinds.count("R"), len(kinds)) == (expected["idr"], expected["recovery_point"], 30)


@pytest.mark.parametrize("kind", IN_RING)
def test_watch_tells_whether_keyframes_are_recovery_points(ring: str, kind: str) -> None:
    with Producer(ring, slots=30) as producer:
        coded = Coded(producer, kind)
        command = [sys.executable, "-m", "vshm_ctypes", "watch", ring, "-t", "1", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            while process.poll() is None:
                if coded.written % PERIOD == 0 and coded.written > 0:
                    coded.written += 10  # the IDR picture that the stream begins with does not come again
                coded.write(10)
                try:
                    process.wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
            assert process.stdout is not None
            second = json.loads(process.stdout.readline())
    assert second["key_interval"] == 10
    assert second["recovery_point"] == (kind == "h264 refresh")


@pytest.mark.parametrize("flagged", [True, False])
@pytest.mark.parametrize("kind", ["h264 refresh", "h264 open gop", "h265 open gop"])
def test_check_does_not_blame_the_gop_of_a_stream_with_recovery_points(ring: str, kind: str, flagged: bool) -> None:
    """A writer that flags IDR pictures alone has one keyframe for ever; what it leaves out is named."""
    codec = KINDS[kind][0]
    with Producer(ring, slots=30) as producer:
        for number, unit in enumerate(units(kind)):
            known = flagged or unit.entry is EntryPoint.IDR
            unit = unit if known else unit._replace(entry=EntryPoint.NONE)
            put(producer, unit, codec, BEGIN_NS + number * FRAME_NS)
        found = set(codes(vshm("check", ring, "--json", "-s", "0.1"), ring)) - {"stalled-writer"}
        told = " ".join(vshm("show", ring, "--json", "-s", "0.1").json["warnings"])
    assert found == (set() if flagged else {"entry-points-not-flagged"})
    assert "GOP" not in told
    assert ("frames where decoding can begin" in told) != flagged


def test_keyframes_of_codecs_that_have_one_kind_are_only_counted(ring: str) -> None:
    with Producer(ring, slots=4) as producer:
        for _ in range(6):
            producer.write(b"picture", keyframe=True, codec=Codec.JPEG)
        text = vshm("show", ring, "-s", "0.01").out
    assert re.search(r"^keyframes: +6; in the ring 4$", text, flags=re.MULTILINE)
    assert "IDR" not in text
