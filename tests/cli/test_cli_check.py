# SPDX-License-Identifier: Apache-2.0
"""vshm check: each finding of a living ring where its cause is, none where it is not."""

import ast
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hosts import ANOTHER_USER
from vshm import KEYFRAME, Camera, Outcome, codes, vshm
from writers import ROOT, SHARED_MEMORY, Channel, wait_until

from vshm_ctypes import Consumer, Producer
from vshm_ctypes.cli.check import ring_findings
from vshm_ctypes.cli.survey import survey_one

REALTIME_OFFSET_AT = 96  # FORMAT.md, from the extension on


@pytest.mark.usefixtures("alone")
def test_a_healthy_ring_has_no_finding(ring: str) -> None:
    def is_healthy() -> bool:
        outcome = vshm("check", ring)
        return (outcome.code, outcome.out) == (0, "OK: 1 ring, 0 readers\n")

    with Camera(ring):
        wait_until(is_healthy, "nothing is found, once the camera writes and no busy machine holds it up")


def lasting(outcome: Outcome, ring: str) -> list[str]:
    """Return the codes found but stalled-writer, which a busy machine may add before the verb looks."""
    return [code for code in codes(outcome, ring) if code != "stalled-writer"]


def test_a_writer_that_stalls_is_told_from_one_that_never_wrote(ring: str) -> None:
    with Producer(ring) as producer:
        assert codes(vshm("check", ring, "--json"), ring) == ["no-frame"]
        producer.write(KEYFRAME, keyframe=True)
        time.sleep(1.5)
        assert codes(vshm("check", ring, "--json"), ring) == ["stalled-writer"]


def test_a_gop_longer_than_the_ring_is_a_finding(ring: str) -> None:
    with Producer(ring, slots=4) as producer:
        for number in range(9):
            producer.write(KEYFRAME if number == 0 else b"x", keyframe=number == 0)
        assert lasting(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["gop-exceeds-ring"]


def test_drops_are_told_by_cause(ring: str) -> None:
    with Producer(ring, slot_size=100) as producer:
        producer.write(KEYFRAME, keyframe=True)
        with pytest.raises(OSError, match="does not fit into a slot of 100"):
            producer.write(bytes(101))
        assert lasting(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["frames-too-large"]


def test_a_removed_name_is_told(ring: str) -> None:
    with Producer(ring) as producer:
        producer.write(KEYFRAME, keyframe=True)
        (SHARED_MEMORY / ring[1:]).unlink()
        wait_until(lambda: producer.write(KEYFRAME, keyframe=True) and producer.info().remade > 0, "it is made anew")
        assert lasting(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["name-removed"]


def test_a_ring_that_anybody_may_write_is_a_finding(ring: str) -> None:
    with Producer(ring, mode=0o666) as producer:
        producer.write(KEYFRAME, keyframe=True)
        assert lasting(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["anybody-writes"]


def test_a_clock_that_was_set_since_is_told(ring: str) -> None:
    with Producer(ring) as producer:
        producer.write(KEYFRAME, keyframe=True)
        path = SHARED_MEMORY / ring[1:]
        with path.open("r+b") as file:
            file.seek(28)
            extension = struct.unpack("<I", file.read(4))[0] * 64
            file.seek(extension + REALTIME_OFFSET_AT)
            offset_ns = struct.unpack("<q", file.read(8))[0]
            assert abs(offset_ns - (time.time_ns() - time.monotonic_ns())) < 1e9
            file.seek(extension + REALTIME_OFFSET_AT)
            file.write(struct.pack("<q", offset_ns - 3600 * 10**9))
        assert lasting(vshm("check", ring, "--json", "-s", "0.1"), ring) == ["clock-stepped"]


def test_a_reader_that_is_too_slow_gets_advice(ring: str) -> None:
    with Producer(ring, slots=4) as producer, Consumer(ring, publish=True) as reader:
        for _ in range(20):
            producer.write(KEYFRAME, keyframe=True)
        reader.receive(timeout=1)
        outcome = vshm("check", ring, "-s", "0.1")
    assert "[slow-reader]" in outcome.out
    assert "keyframes only, or the newest only, or do its work in a thread of its own" in outcome.out


def test_a_ring_of_a_foreign_group_is_told_to_who_may_not_read_it(channel: Channel) -> None:
    channel.start_writer()
    wait_until(channel.ring_path.exists, "the ring is there")
    channel.ring_path.chmod(0o600)
    name = f"/{channel.ring_path.name}"
    checked = vshm("check", name, host=ANOTHER_USER)
    assert checked.code == 1, checked.err
    assert "[no-access]" in checked.out
    assert "usermod -aG" in checked.out
    assert checked.out.count("do:") == 1  # of that ring alone
    for verb in ("show", "watch"):
        refused = vshm(verb, name, host=ANOTHER_USER)
        assert (refused.code, refused.out) == (1, "")
        assert f"vshm: {name}: uid " in refused.err
        assert f" may not open /dev/shm{name} (uid " in refused.err
    lines = vshm("list", host=ANOTHER_USER).out.splitlines()
    (told,) = [line for line in lines if line.startswith("this user may not read ")]
    assert name in told


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"dropped_no_space": 1}, ["no-space"]),
        ({"dropped_busy": 2}, ["writer-busy"]),
        ({"dropped_busy": 2, "frames": 100_000}, []),
        ({"dropped_too_large": 1, "remade": 1}, ["frames-too-large", "name-removed"]),
    ],
    ids=str,
)
def test_what_the_writer_counted_is_told_by_cause(ring: str, info: dict[str, Any], expected: list[str]) -> None:
    with Producer(ring) as producer:
        producer.write(KEYFRAME, keyframe=True)
        look = survey_one(ring, 0.01)
    look = replace(look, age_s=0.0, info=look.info._replace(**info))
    found = list(ring_findings.check_ring(look))
    assert [finding.code for finding in found] == expected
    assert all("1 times" not in finding.what for finding in found)


def test_a_clock_that_was_never_set_is_told(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Producer(ring) as producer:
        producer.write(KEYFRAME, keyframe=True)
        look = survey_one(ring, 0.01)
    assert ring_findings.check_ring(look) == []
    monkeypatch.setattr(time, "time", lambda: 86400.0)
    (finding,) = ring_findings.check_ring(look)
    assert (finding.code, finding.what) == ("clock-not-set", "the wall clock says 1970-01-02")


@pytest.mark.usefixtures("alone")
def test_a_machine_without_a_ring_is_told(tmp_path: Path) -> None:
    outcome = vshm("check", "--json")
    assert outcome.code == 1
    assert codes(outcome, "/dev/shm") == ["no-ring"]


def findings_in(folder: Path) -> list[dict[str, Any]]:
    """Return every Finding(...) in the code, by field."""
    names = ("code", "subject", "what", "why", "todo")
    calls = (node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text())))
    return [
        dict(zip(names, call.args, strict=True))
        for call in calls
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Finding"
    ]


def test_every_finding_there_can_be_is_provoked_by_a_test_and_says_what_why_and_what_to_do() -> None:
    files = [*(ROOT / "tests").rglob("test_cli_c*.py"), ROOT / "tests" / "hosts" / "test_containers.py"]
    tested = "".join(path.read_text() for path in files)
    found = findings_in(ROOT / "vshm_ctypes" / "cli")
    assert len(found) > 15
    for finding in found:
        assert f'"{ast.literal_eval(finding["code"])}"' in tested or f"[{finding['code'].value}]" in tested
        for field in ("what", "why", "todo"):
            words = ast.unparse(finding[field]).split()
            least = 1 if isinstance(finding[field], ast.Name | ast.Call) else 4
            assert len(words) >= least, (finding["code"].value, field)
