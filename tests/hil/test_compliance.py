# SPDX-License-Identifier: Apache-2.0
"""What v4l2-compliance prints becomes one line of the report; without it, or if it fails, nothing else does."""

from pathlib import Path

import pytest
from processes import stand_in

from hil.suite.compliance import Compliance, check_driver, parse

# As 1.22.1 printed it of vivid, and as 1.30.1 prints of several devices; shortened.
GOOD = """\
v4l2-compliance 1.22.1, 64 bits, 64-bit time_t

Compliance test for vivid device /dev/video0:

Required ioctls:
	test VIDIOC_QUERYCAP: OK
	test invalid ioctls: OK

Total for vivid device /dev/video0: 48, Succeeded: 48, Failed: 0, Warnings: 0
"""
BAD = """\
v4l2-compliance 1.30.1, 64 bits, 64-bit time_t
v4l2-compliance SHA: not available

	warn: v4l2-test-controls.cpp(1139): V4L2_CID_DV_RX_POWER_PRESENT not found for input 3
		fail: v4l2-test-formats.cpp(1324): ret && node->has_frmintervals
	test VIDIOC_G/S_PARM: FAIL
	test VIDIOC_G_FBUF: OK (Not Supported)
		fail: v4l2-test-buffers.cpp(703): ret
	test VIDIOC_REQBUFS/CREATE_BUFS/QUERYBUF: FAIL
	test VIDIOC_G/S_PARM: FAIL
Total for uvcvideo device /dev/video2: 45, Succeeded: 43, Failed: 2, Warnings: 0

Grand Total for uvcvideo device /dev/media0: 53, Succeeded: 50, Failed: 3, Warnings: 7
"""
FIRST = """echo "$*" >"$(dirname "$0")/words"
"""


def test_the_totals_of_a_good_driver() -> None:
    assert parse(GOOD) == Compliance(48, 0, 0, (), "1.22.1")
    assert str(parse(GOOD)) == "48 tests, 0 failed, 0 warnings by v4l2-compliance 1.22.1"


def test_the_grand_total_counts_and_what_failed_is_named_once() -> None:
    found = parse(BAD)
    assert found == Compliance(53, 3, 7, ("VIDIOC_G/S_PARM", "VIDIOC_REQBUFS/CREATE_BUFS/QUERYBUF"), "1.30.1")
    told = "53 tests, 3 failed, 7 warnings (failed: VIDIOC_G/S_PARM, VIDIOC_REQBUFS/CREATE_BUFS/QUERYBUF)"
    assert str(found) == f"{told} by v4l2-compliance 1.30.1"


def test_of_very_many_only_some_are_named() -> None:
    text = "".join(f"\ttest number {number}: FAIL\n" for number in range(20)) + GOOD
    assert str(parse(text)).count("number") == 8
    assert "number 7, ...)" in str(parse(text))


@pytest.mark.parametrize("text", ["", "Total for nothing\n", GOOD.replace("Total", "Some"), "Unable to detect"])
def test_what_has_no_totals_is_told_apart(text: str) -> None:
    assert parse(text) is None


def test_it_is_run_once_on_the_device_and_all_that_it_says_is_kept(tmp_path: Path) -> None:
    program, output = tmp_path / "v4l2-compliance", tmp_path / "kept" / "output.txt"
    (tmp_path / "bad").write_text(BAD)
    stand_in(program, f"{FIRST}cat {tmp_path}/bad; exit 2")
    assert check_driver(Path("/dev/video2"), output, str(program)).startswith("53 tests, 3 failed, 7 warnings")
    assert (tmp_path / "words").read_text() == "-d /dev/video2\n"
    assert output.read_text() == BAD


def test_without_it_or_its_totals_it_is_said_what_is_wrong(tmp_path: Path) -> None:
    output, program = tmp_path / "output.txt", tmp_path / "v4l2-compliance"
    told = check_driver(Path("/dev/video0"), output, str(program))
    assert told.startswith("not known: v4l2-compliance is not installed: apt-get install v4l-utils")
    assert not output.exists()
    program.write_text("")
    assert check_driver(Path("/dev/video0"), output, str(program)) == f"not known: {program}: Permission denied"
    stand_in(program, "echo 'Failed to open /dev/video0: Device or resource busy' >&2; exit 1")
    told = check_driver(Path("/dev/video0"), output, str(program))
    assert told == "not known: v4l2-compliance: Failed to open /dev/video0: Device or resource busy"
    stand_in(program, "exit 139")
    assert check_driver(Path("/dev/video0"), output, str(program)).endswith("it ended with 139")


def test_a_driver_that_does_not_answer_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    program = tmp_path / "v4l2-compliance"
    stand_in(program, "exec sleep 600")
    told = check_driver(Path("/dev/video0"), tmp_path / "output.txt", str(program), 0.2)
    assert told == "not known: v4l2-compliance had not ended after 0.2 s"
