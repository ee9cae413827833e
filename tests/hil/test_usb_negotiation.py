# SPDX-License-Identifier: Apache-2.0
"""Probe, commit and the controls of a USB camera, as a host asks for them."""

import struct

import pytest
from usb_host import (
    CLASS_IN,
    CLASS_OUT,
    SET_CONFIGURATION,
    SET_INTERFACE,
    STANDARD_OUT,
    Host,
    Plug,
    plugging,
    small_design,
)

from hil.usb.designs import Design, Format, Frame

plug = pytest.fixture(plugging)

STALL, NO_BANDWIDTH, BROKEN = -32, -28, -71
PROBE, COMMIT = 0x0100, 0x0200
SET_CUR, GET_CUR, GET_MIN, GET_MAX, GET_RES, GET_LEN, GET_INFO, GET_DEF = 1, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87
CAMERA, UNIT = 1 << 8, 2 << 8
BRIGHTNESS, CONTRAST = 0x0200, 0x0300
BULK = small_design(bulk=True)


def proposal(form: int, frame: int, interval: int) -> bytes:
    return struct.pack("<HBBI", 1, form, frame, interval) + bytes(26)


def status(host: Host, kind: int, request: int, value: int, index: int, what: int | bytes) -> int | None:
    answer = host.control(kind, request, value, index, what)
    return None if answer is None else answer.status


@pytest.mark.parametrize(("version", "size"), [(0x0100, 26), (0x0110, 34), (0x0150, 48)])
def test_the_answer_is_as_long_as_the_version_says(plug: Plug, version: int, size: int) -> None:
    host = plug(small_design(version=version))
    assert len(host.got(CLASS_IN, GET_CUR, PROBE, 1)) == size
    assert host.got(CLASS_IN, GET_LEN, PROBE, 1) == struct.pack("<H", size)


@pytest.mark.parametrize(
    ("proposed", "agreed"), [(0, 333_333), (5, 333_333), (400_001, 400_001), (9_999_999, 1_000_000)]
)
def test_a_camera_of_any_rate_agrees_to_each_interval_in_its_range(plug: Plug, proposed: int, agreed: int) -> None:
    form = Format("MJPG", "MJPG", (Frame(160, 90, (333_333, 1_000_000), is_range=True),))
    host = plug(Design("for tests", (form,)))
    assert status(host, CLASS_OUT, SET_CUR, PROBE, 1, proposal(1, 1, proposed)) == 0
    assert struct.unpack_from("<I", host.got(CLASS_IN, GET_CUR, PROBE, 1), 4)[0] == agreed


@pytest.mark.parametrize(
    ("proposed", "agreed"),
    [
        ((1, 2, 666_666), (1, 2, 666_666)),
        ((1, 1, 400_000), (1, 1, 333_333)),  # the nearest interval
        ((1, 2, 0), (1, 2, 333_333)),  # the default one
        ((9, 9, 1_000_000), (1, 2, 1_000_000)),  # what is not there becomes what is
        ((0, 0, 5), (1, 1, 333_333)),
    ],
)
def test_a_proposal_becomes_what_the_camera_can(
    plug: Plug, proposed: tuple[int, int, int], agreed: tuple[int, int, int]
) -> None:
    host = plug(size=5000)
    assert status(host, CLASS_OUT, SET_CUR, PROBE, 1, proposal(*proposed)) == 0
    answer = host.got(CLASS_IN, GET_CUR, PROBE, 1)
    assert struct.unpack_from("<BBI", answer, 2) == agreed
    assert struct.unpack_from("<II", answer, 18) == (6250, 3072)  # the largest picture with a margin; a payload
    assert struct.unpack_from("<I", host.got(CLASS_IN, GET_DEF, PROBE, 1), 4) == (333_333,)


def test_a_proposal_that_is_cut_off_is_refused(plug: Plug) -> None:
    host = plug()
    assert status(host, CLASS_OUT, SET_CUR, PROBE, 1, b"\1\0\1\1") == STALL
    assert status(host, CLASS_IN, GET_CUR, 0x0500, 1, 26) == STALL  # a selector that there is not


def test_nothing_streams_before_the_commit(plug: Plug) -> None:
    host = plug()
    assert status(host, STANDARD_OUT, SET_INTERFACE, 4, 1, 0) == STALL
    host.start()
    assert [event.name for event in host.books().events] == ["started"]
    assert status(host, STANDARD_OUT, SET_INTERFACE, 9, 1, 0) == STALL


@pytest.mark.parametrize(
    ("fault", "request_to", "told"),
    [
        ("refuse-probe", (CLASS_OUT, SET_CUR, PROBE, 1, proposal(1, 1, 0)), STALL),
        ("refuse-commit", (CLASS_OUT, SET_CUR, COMMIT, 1, proposal(1, 1, 0)), STALL),
        ("refuse-interface", (STANDARD_OUT, SET_INTERFACE, 4, 1, 0), STALL),
        ("no-bandwidth", (STANDARD_OUT, SET_INTERFACE, 4, 1, 0), NO_BANDWIDTH),
    ],
)
def test_refusals_are_as_many_as_asked_for_and_in_the_books(
    plug: Plug, fault: str, request_to: tuple[int, int, int, int, int | bytes], told: int
) -> None:
    host = plug()
    host.start()
    host.control(STANDARD_OUT, SET_INTERFACE, 0, 1, 0)
    host.faults.set(fault, 2)
    assert [status(host, *request_to) for _ in range(3)] == [told, told, 0]
    assert host.books().counts[fault] == 2
    assert status(host, STANDARD_OUT, SET_INTERFACE, 0, 1, 0) == 0  # stopping is never refused


def test_a_wrong_size_of_pictures_is_told(plug: Plug) -> None:
    host = plug()
    host.faults.set("frame-size", 777)
    host.control(CLASS_OUT, SET_CUR, PROBE, 1, proposal(1, 1, 0))
    assert struct.unpack_from("<I", host.got(CLASS_IN, GET_CUR, PROBE, 1), 18) == (777,)


def test_a_mute_camera_answers_nothing_until_it_is_asked_no_more(plug: Plug) -> None:
    host = plug()
    host.faults.set("mute-probe")
    number = host.submit(0, 26, True, struct.pack("<BBHHH", CLASS_IN, GET_CUR, PROBE, 1, 26))
    host.now_s += 100
    host.device.tick()
    assert host.answers() == []
    assert host.unlink(number) == -104  # it was waiting
    assert host.unlink(number) == 0
    host.faults.set("mute-probe", 0)
    assert host.got(CLASS_IN, GET_CUR, PROBE, 1)


def test_a_confused_camera_fails_at_each_question_about_formats_until_it_is_reset(plug: Plug) -> None:
    host = plug()
    host.faults.set("confused")
    for _ in range(2):
        assert status(host, CLASS_OUT, SET_CUR, PROBE, 1, proposal(1, 1, 0)) == BROKEN
        assert status(host, CLASS_IN, GET_CUR, PROBE, 1, 26) == BROKEN
    assert host.got(CLASS_IN, GET_CUR, CONTRAST, UNIT)  # controls are no formats
    host.control(STANDARD_OUT, SET_CONFIGURATION, 1, 0)  # as after a reset
    assert host.got(CLASS_IN, GET_CUR, PROBE, 1)
    assert host.books().counts["reset"] == 1


def test_controls_have_values_and_limits(plug: Plug) -> None:
    host = plug()
    limits = [host.got(CLASS_IN, request, BRIGHTNESS, UNIT) for request in (GET_MIN, GET_MAX, GET_RES, GET_DEF)]
    assert [struct.unpack("<h", each)[0] for each in limits] == [-64, 64, 1, 0]
    assert host.got(CLASS_IN, GET_INFO, BRIGHTNESS, UNIT) == b"\3"
    assert status(host, CLASS_OUT, SET_CUR, BRIGHTNESS, UNIT, struct.pack("<h", -20)) == 0
    assert host.got(CLASS_IN, GET_CUR, BRIGHTNESS, UNIT) == struct.pack("<h", -20)
    assert status(host, CLASS_OUT, SET_CUR, BRIGHTNESS, UNIT, struct.pack("<h", 99)) == STALL
    assert host.got(CLASS_IN, GET_CUR, 0x0200, 0) == b"\4"  # why: out of range
    assert host.got(CLASS_IN, GET_RES, 0x0200, CAMERA) == b"\x09"  # the exposure modes that there are
    assert status(host, CLASS_IN, GET_CUR, 0x1100, UNIT, 2) == STALL
    assert host.got(CLASS_IN, GET_CUR, 0x0200, 0) == b"\6"  # why: no such control


def test_controls_are_slow_refused_or_mute(plug: Plug) -> None:
    host = plug()
    host.faults.set("slow-controls", 2)
    assert host.control(CLASS_IN, GET_CUR, CONTRAST, UNIT, 2) is None
    host.now_s += 1.9
    host.device.tick()
    assert host.answers() == []
    host.now_s += 0.2
    host.device.tick()
    assert [(each.status, each.data) for each in host.answers()] == [(0, struct.pack("<h", 50))]
    host.faults.clear()
    host.faults.set("refuse-controls")
    assert status(host, CLASS_IN, GET_CUR, CONTRAST, UNIT, 2) == STALL
    host.faults.set("mute-controls")
    assert status(host, CLASS_IN, GET_CUR, CONTRAST, UNIT, 2) is None
    assert host.got(CLASS_IN, GET_CUR, PROBE, 1)  # formats are not controls


def test_one_control_does_not_tell_its_default(plug: Plug) -> None:
    host = plug()
    host.faults.set("no-default")
    assert status(host, CLASS_IN, GET_DEF, BRIGHTNESS, UNIT, 2) == STALL
    assert host.got(CLASS_IN, GET_CUR, 0x0200, 0) == b"\7"  # why: no such request
    assert host.got(CLASS_IN, GET_MAX, BRIGHTNESS, UNIT) == struct.pack("<h", 64)
    assert host.got(CLASS_IN, GET_DEF, CONTRAST, UNIT) == struct.pack("<h", 50)


def test_a_camera_that_does_not_wake_up_fails_to_tell_its_status(plug: Plug) -> None:
    host = plug()
    host.faults.set("lost-on-resume", 1)
    assert [status(host, 0x80, 0, 0, 0, 2) for _ in range(2)] == [-71, 0]


def test_bulk_starts_with_the_commit_and_stops_with_the_halt_cleared(plug: Plug) -> None:
    host = plug(BULK)
    host.start()
    assert host.payloads(0.1)
    host.control(0x02, 1, 0, 0x81, 0)
    assert [event.name for event in host.books().events] == ["started", "stopped"]
    assert host.payloads(0.1) == []
