# SPDX-License-Identifier: Apache-2.0
"""Lists the video devices of this machine and what they offer, read through v4l2py.

Formats are enumerated here, since v4l2py's own lists raise at formats that they do not know.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from .devices import DeviceInfo
from .identity import identify, node_number
from .modes import ENCODED, Offer, Size
from .pixel_formats import GREY, RAW, text_of
from .source import SourceError
from .v4l2_abi import v4l2
from .v4l2_errors import starting, told_as_source_error
from .v4l2_queue import CAPTURE, CAPTURE_PLANES, capture_kind

# linux/videodev2.h
_CAN_STREAM, _MEDIA_CONTROLLED = 0x04000000, 0x20000000
_TRANSCODES, _PLANES_IN_AND_OUT = 0xC000, 0x3000
_DISCRETE, _SIZES = 1, (1, 2, 3)  # discrete frame sizes; all three kinds: discrete, continuous, stepwise
ANY_SIZE = (Size(1, 1), Size(1 << 15, 1 << 15))  # for a driver that lists none


def describe_device(device: Any) -> DeviceInfo:
    """Describe an open v4l2py device. Raises OSError."""
    can = v4l2.read_capabilities(device)
    flags = can.device_caps
    kind = capture_kind(flags)
    return DeviceInfo(
        path=Path(device.filename),
        driver=can.driver.decode(errors="replace"),
        card=can.card.decode(errors="replace"),
        bus=can.bus_info.decode(errors="replace"),
        captures=kind is not None and bool(flags & _CAN_STREAM),
        media_controlled=bool(flags & _MEDIA_CONTROLLED),
        transcodes=bool(flags & _TRANSCODES) or flags & _PLANES_IN_AND_OUT == _PLANES_IN_AND_OUT,
        multi_planar=kind == CAPTURE_PLANES,
        is_grey=kind is not None and _is_grey(device, kind),
        identity=identify(node_number(device.fileno())),
    )


def device_at(path: Path) -> DeviceInfo:
    """Describe the device with that node, of whatever name. Raises SourceError."""
    with told_as_source_error(str(path)), starting("open"), v4l2.Device(str(path)) as device:
        return describe_device(device)


def video_devices(folder: Path = Path("/dev")) -> tuple[list[DeviceInfo], list[SourceError]]:
    """Return (the devices that could be queried, ordered by number; why others could not)."""
    devices, failures = [], []
    for path in sorted(folder.glob("video[0-9]*"), key=lambda path: (len(path.name), path.name)):
        try:
            devices.append(device_at(path))
        except SourceError as error:
            failures.append(error)
    return devices, failures


def _enumerate(device: Any, request: Any, values: Any) -> Iterator[Any]:
    yield from v4l2.iter_read(device, request, values)


def _rates(device: Any, fourcc: int, size: Size) -> tuple[float, ...]:
    values = v4l2.raw.v4l2_frmivalenum(pixel_format=fourcc, width=size.width, height=size.height)
    rates = []
    for value in _enumerate(device, v4l2.IOC.ENUM_FRAMEINTERVALS, values):
        # For a range its two ends, of which the shortest interval is the highest rate.
        intervals = [value.discrete] if value.type == _DISCRETE else [value.stepwise.min, value.stepwise.max]
        rates += [float(Fraction(each.denominator, each.numerator)) for each in intervals if each.numerator]
        if value.type != _DISCRETE:
            break
    return tuple(sorted(set(rates), reverse=True))


def _formats(device: Any, kind: int) -> Iterator[Any]:
    yield from _enumerate(device, v4l2.IOC.ENUM_FMT, v4l2.raw.v4l2_fmtdesc(type=kind))


def _is_grey(device: Any, kind: int) -> bool:
    """Return whether the formats that are of use have no colour. Grey JPEG can't be told from other JPEG."""
    with contextlib.suppress(OSError):
        of_use = {text_of(form.pixelformat) for form in _formats(device, kind)} & (RAW.keys() | ENCODED.keys())
        return bool(of_use) and of_use <= GREY.keys()
    return False


def offers_of(device: Any) -> Iterator[Offer]:
    """Yield the formats and sizes of an open v4l2py device. Raises OSError."""
    kind = capture_kind(v4l2.read_capabilities(device).device_caps)
    for form in _formats(device, CAPTURE if kind is None else kind):
        fourcc, description = form.pixelformat, form.description.decode(errors="replace")
        sizes, told = v4l2.raw.v4l2_frmsizeenum(pixel_format=fourcc), False
        for size in _enumerate(device, v4l2.IOC.ENUM_FRAMESIZES, sizes):
            if size.type not in _SIZES:
                break
            told = True
            if size.type == _DISCRETE:
                least = most = Size(size.m1.discrete.width, size.m1.discrete.height)
            else:
                step = size.m1.stepwise
                least, most = Size(step.min_width, step.min_height), Size(step.max_width, step.max_height)
            yield Offer(text_of(fourcc), description, least, most, _rates(device, fourcc, most))
            if size.type != _DISCRETE:
                break
        if not told:
            yield Offer(text_of(fourcc), description, *ANY_SIZE)
