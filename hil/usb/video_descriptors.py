# SPDX-License-Identifier: Apache-2.0
"""The descriptors of a camera (USB Video Class 1.0, 1.1 and 1.5): its units, its formats, its endpoints."""

from __future__ import annotations

import struct

from . import descriptors as usb
from .designs import ENCODED, TICKS_PER_S, Design, Format, Frame

CONTROL, STREAMING = 0, 1  # the numbers of the interfaces
CAMERA_TERMINAL, PROCESSING_UNIT, OUTPUT_TERMINAL = 1, 2, 3  # the numbers of the entities
VIDEO_ENDPOINT, STATUS_ENDPOINT = 1, 3
CLOCK_HZ = 48_000_000
VERSION_1_1, VERSION_1_5 = 0x0110, 0x0150
# wMaxPacketSize of the alternate settings from 1 on: 512, 1024, 2 x 1024, 3 x 1024 bytes in each microframe.
ALTERNATES = (0x0200, 0x0400, 0x0C00, 0x1400)
# What the camera terminal and the processing unit can: bits of bmControls.
EXPOSURE_MODE, EXPOSURE_PRIORITY, EXPOSURE_TIME = 1 << 1, 1 << 2, 1 << 3
BRIGHTNESS, CONTRAST, POWER_LINE = 1 << 0, 1 << 1, 1 << 10
_CLASS_SPECIFIC, _CLASS_ENDPOINT, _VIDEO = 0x24, 0x25, 0x0E
_HEADER, _INPUT, _OUTPUT, _PROCESSING = 1, 2, 3, 5  # of the control interface
_INPUT_HEADER, _COLOUR = 1, 0x0D  # of the streaming interface
_UNCOMPRESSED, _MJPEG, _FRAME_BASED = 0x04, 0x06, 0x10  # formats; the subtype of a format's frames is one more
_CAMERA, _USB_STREAM = 0x0201, 0x0101  # kinds of terminals
_GUID_END = b"\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
_NAMES = {"YUYV": b"YUY2", "NV12": b"NV12", "H264": b"H264", "HEVC": b"H265"}  # the first four bytes of a GUID
_BITS = {"YUYV": 16, "NV12": 12}  # per pixel
_BT709, _BT601 = 1, 4  # primaries and transfer; matrix


def bytes_per_microframe(packet: int) -> int:
    """Return the bytes of a payload that an alternate setting with that wMaxPacketSize carries."""
    return (packet & 0x7FF) * ((packet >> 11 & 3) + 1)


def interfaces(design: Design, largest: dict[tuple[str, int, int], int]) -> bytes:
    """Return the two interfaces of a camera. largest: bytes of a picture, by fourcc and size."""
    protocol = int(design.version >= VERSION_1_5)
    control, streaming = (_VIDEO, 1, protocol), (_VIDEO, 2, protocol)
    parts = [usb.association(CONTROL, (_VIDEO, 3, 0)), usb.interface(CONTROL, 0, 1, control), _entities(design.version)]
    parts += [usb.endpoint(usb.IN | STATUS_ENDPOINT, usb.INTERRUPT, 16, 8)]
    parts += [struct.pack("<BBBH", 5, _CLASS_ENDPOINT, 3, 16)]
    video = usb.IN | VIDEO_ENDPOINT
    formats = _formats(design, largest)
    if design.bulk:
        parts += [usb.interface(STREAMING, 0, 1, streaming), formats, usb.endpoint(video, usb.BULK, 512, 0)]
        return b"".join(parts)
    parts += [usb.interface(STREAMING, 0, 0, streaming), formats]
    for number, packet in enumerate(ALTERNATES, 1):
        parts += [usb.interface(STREAMING, number, 1, streaming), usb.endpoint(video, usb.ISOCHRONOUS, packet, 1)]
    return b"".join(parts)


def _entities(version: int) -> bytes:
    camera = struct.pack("<BBBBHBBHHHB", 18, _CLASS_SPECIFIC, _INPUT, CAMERA_TERMINAL, _CAMERA, 0, 0, 0, 0, 0, 3)
    camera += (EXPOSURE_MODE | EXPOSURE_PRIORITY | EXPOSURE_TIME).to_bytes(3, "little")
    size = 3 if version >= VERSION_1_5 else 2
    end = bytes(2 if version >= VERSION_1_1 else 1)  # iProcessing, and since 1.1 bmVideoStandards
    unit = struct.pack("<BBBBHB", _CLASS_SPECIFIC, _PROCESSING, PROCESSING_UNIT, CAMERA_TERMINAL, 0, size)
    unit += (BRIGHTNESS | CONTRAST | POWER_LINE).to_bytes(size, "little") + end
    unit = bytes([1 + len(unit)]) + unit
    out = struct.pack("<BBBBHBBB", 9, _CLASS_SPECIFIC, _OUTPUT, OUTPUT_TERMINAL, _USB_STREAM, 0, PROCESSING_UNIT, 0)
    rest = camera + unit + out
    return (
        struct.pack("<BBBHHIBB", 13, _CLASS_SPECIFIC, _HEADER, version, 13 + len(rest), CLOCK_HZ, 1, STREAMING) + rest
    )


def _formats(design: Design, largest: dict[tuple[str, int, int], int]) -> bytes:
    rest = b"".join(_format(number, form, largest) for number, form in enumerate(design.formats, 1))
    count = len(design.formats)
    size = 13 + count
    head = struct.pack("<BBBBH", size, _CLASS_SPECIFIC, _INPUT_HEADER, count, size + len(rest))
    return head + struct.pack("<7B", usb.IN | VIDEO_ENDPOINT, 0, OUTPUT_TERMINAL, 0, 0, 0, 1) + bytes(count) + rest


def _format(number: int, form: Format, largest: dict[tuple[str, int, int], int]) -> bytes:
    guid = _NAMES.get(form.fourcc, b"") + _GUID_END
    count = len(form.frames)
    if form.fourcc == "MJPG":
        subtype = _MJPEG
        out = struct.pack("<11B", 11, _CLASS_SPECIFIC, subtype, number, count, 0, 1, 0, 0, 0, 0)
    elif form.fourcc in ENCODED:
        subtype = _FRAME_BASED
        out = struct.pack("<5B", 28, _CLASS_SPECIFIC, subtype, number, count) + guid
        out += struct.pack("<7B", 0, 1, 0, 0, 0, 0, 1)  # pictures differ in size
    else:
        subtype = _UNCOMPRESSED
        out = struct.pack("<5B", 27, _CLASS_SPECIFIC, subtype, number, count) + guid
        out += struct.pack("<6B", _BITS[form.fourcc], 1, 0, 0, 0, 0)
    for index, frame in enumerate(form.frames, 1):
        size = largest[form.clip, frame.width, frame.height]
        out += _frame(subtype, index, frame, size)
    return out + struct.pack("<6B", 6, _CLASS_SPECIFIC, _COLOUR, _BT709, _BT709, _BT601)


def _frame(subtype: int, index: int, frame: Frame, size: int) -> bytes:
    """Return the descriptor of a size. size: of its largest picture, in bytes."""
    rates = [size * 8 * TICKS_PER_S // each for each in (max(frame.intervals), min(frame.intervals))]
    count = 0 if frame.is_range else len(frame.intervals)  # 0: shortest, longest and step
    told = (*frame.intervals, 1) if frame.is_range else frame.intervals
    intervals = struct.pack(f"<{len(told)}I", *told)
    head = struct.pack("<5B", 26 + len(intervals), _CLASS_SPECIFIC, subtype + 1, index, 0)
    head += struct.pack("<HHII", frame.width, frame.height, *(min(rate, 0xFFFFFFFF) for rate in rates))
    if subtype == _FRAME_BASED:  # dwBytesPerLine comes last there
        return head + struct.pack("<IBI", frame.intervals[0], count, 0) + intervals
    return head + struct.pack("<IIB", size, frame.intervals[0], count) + intervals
