# SPDX-License-Identifier: Apache-2.0
"""camera-streamer --list prints the cameras of this machine, with their formats, sizes and rates."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from vshm_ctypes.commandline.output import complain, tell

from .sources.devices import DeviceInfo, why_not
from .sources.modes import Offer, Size
from .sources.source import SourceError
from .sources.v4l2_abi import v4l2
from .sources.v4l2_devices import ANY_SIZE, offers_of, video_devices
from .sources.v4l2_errors import told_as_source_error


def describe(info: DeviceInfo, offers: list[Offer]) -> dict[str, Any]:
    """Return a device as a JSON object for --json."""
    return asdict(info) | {
        "path": str(info.path),
        "why_not": why_not(info),
        "formats": [asdict(each) | {"usable": each.usable} for each in offers],
    }


def size_text(least: Size, most: Size) -> str:
    """Return a size or a range of sizes as text: 640x360, 16x16..1920x1080, or any size."""
    if (least, most) == ANY_SIZE:
        return "any size"
    text = f"{least.width}x{least.height}"
    return text if least == most else f"{text}..{most.width}x{most.height}"


def lines_of(info: DeviceInfo, offers: list[Offer]) -> list[str]:
    """Return the lines about a device for people to read."""
    reason = why_not(info)
    serial = f", serial {info.identity.serial}" if info.identity.serial else ""
    why = f": {reason}" if reason else ""
    lines = [f"{info.path}  {info.card}  driver {info.driver}, bus {info.bus}{serial}{why}"]
    shown = ""
    for offer in offers:
        if offer.fourcc != shown:
            lines.append(f"  {offer.fourcc}  {offer.description}{'' if offer.usable else ': of no use here'}")
            shown = offer.fourcc
        rates = ", ".join(f"{rate:g}" for rate in offer.rates)
        lines.append(f"    {size_text(offer.least, offer.most)}{f' at {rates} fps' if rates else ''}")
    return lines


def print_cameras(as_json: bool) -> int:
    """Print all cameras. Returns the exit code: 0, or 1 if there is no camera that can be opened directly."""
    infos, failures = video_devices()
    described, found = [], False
    for info in infos:
        offers: list[Offer] = []
        if info.captures:
            try:
                with told_as_source_error(str(info.path)), v4l2.Device(str(info.path)) as device:
                    offers = list(offers_of(device))
            except SourceError as error:
                failures.append(error)
        found = found or why_not(info) is None
        described.append(describe(info, offers))
        if not as_json:
            for line in lines_of(info, offers):
                tell(line)
    if as_json:
        print(json.dumps(described))
    for failure in failures:
        complain(failure.strerror, "camera-streamer")
    if not found:
        complain("no camera here; --device testsrc draws a picture of its own", "camera-streamer")
    return 0 if found else 1
