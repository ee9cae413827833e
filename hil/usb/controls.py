# SPDX-License-Identifier: Apache-2.0
"""The controls of the camera terminal and the processing unit: exposure, brightness, contrast, power line."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .video_descriptors import CAMERA_TERMINAL, PROCESSING_UNIT

SET_CUR, GET_CUR, GET_MIN, GET_MAX, GET_RES, GET_LEN, GET_INFO, GET_DEF = 1, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87
READ_AND_WRITE = 3  # of what GET_INFO tells
NO_ERROR, OUT_OF_RANGE, INVALID_CONTROL, INVALID_REQUEST = 0, 4, 6, 7  # of the request error code control
_AUTO, _MANUAL = 8, 1  # exposure modes


@dataclass(slots=True)
class Control:
    """A control. size: bytes. step: for a bitmap, all bits that may be set."""

    size: int
    least: int
    most: int
    step: int
    default: int
    bitmap: bool = False
    current: int = 0

    def __post_init__(self) -> None:
        self.current = self.default

    def answer(self, request: int) -> bytes | None:
        """Return what is answered to a GET request, or None if there is no such one."""
        if request == GET_INFO:
            return bytes([READ_AND_WRITE])
        if request == GET_LEN:
            return struct.pack("<H", self.size)
        values = {
            GET_CUR: self.current,
            GET_MIN: self.least,
            GET_MAX: self.most,
            GET_RES: self.step,
            GET_DEF: self.default,
        }
        value = values.get(request)
        return None if value is None else (value % (1 << 8 * self.size)).to_bytes(self.size, "little")

    def set(self, data: bytes) -> bool:
        """Set the value. Returns whether it is one that the control may have."""
        value = int.from_bytes(data, "little", signed=self.least < 0)
        known = value in (_MANUAL, _AUTO) if self.bitmap else self.least <= value <= self.most
        if known and len(data) == self.size:
            self.current = value
            return True
        return False


BRIGHTNESS = (PROCESSING_UNIT, 0x02)
EXPOSURE_PRIORITY = (CAMERA_TERMINAL, 0x03)  # 1: the rate may sink so that pictures are exposed longer


def controls() -> dict[tuple[int, int], Control]:
    """Return the controls with their default values, by entity and selector."""
    return {
        (CAMERA_TERMINAL, 0x02): Control(1, 0, 0, _AUTO | _MANUAL, _AUTO, bitmap=True),  # exposure mode
        EXPOSURE_PRIORITY: Control(1, 0, 1, 1, 1),
        (CAMERA_TERMINAL, 0x04): Control(4, 1, 10_000, 1, 300),  # exposure time, in 100 us
        BRIGHTNESS: Control(2, -64, 64, 1, 0),
        (PROCESSING_UNIT, 0x03): Control(2, 0, 100, 1, 50),  # contrast
        (PROCESSING_UNIT, 0x05): Control(1, 0, 2, 1, 1),  # power line frequency: off, 50 Hz, 60 Hz
    }
