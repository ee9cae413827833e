# SPDX-License-Identifier: Apache-2.0
"""vshm show: shows the header and the slots of one ring."""

from __future__ import annotations

import grp
import pwd
import stat
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import datetime

from ..codec import codec_name
from ..commandline.output import complain, counted, print_json, tell
from ..commandline.table import print_table
from ..commandline.verb import Exit, add_ring_argument, add_seconds_argument
from ..errors import BrokenPicture
from ..frame import Flag, Media
from ..inspect import SlotInfo
from ..picture import Range
from ..processes import Users, find_users
from ..published import PublishedConsumer, by_pid, list_published
from ..rings import ring_name
from . import units
from .list import gop, tell_hidden, tell_process, tell_writer
from .survey import Survey, survey_one


def add_arguments(parser: ArgumentParser) -> None:
    add_ring_argument(parser)
    add_seconds_argument(parser, default=None)


def _owner(number: int, name: Callable[[int], str]) -> str:
    try:
        return name(number)
    except KeyError:
        return str(number)


def permissions(look: Survey) -> str:
    """Return the permissions as ls shows them: -rw-rw---- user:group."""
    info = look.info
    user = _owner(info.uid, lambda uid: pwd.getpwuid(uid).pw_name)
    group = _owner(info.gid, lambda gid: grp.getgrgid(gid).gr_name)
    return f"{stat.filemode(stat.S_IFREG | info.mode)} {user}:{group}"


def warnings(look: Survey) -> list[str]:
    """Return warnings about this ring."""
    found = []
    if look.gop_exceeds_ring:
        advice = f"use a GOP below {look.info.slots}, or more slots"
        found.append(f"the GOP is longer than the ring: a late reader may find no keyframe in it; {advice}")
    if look.unflagged:
        found.append(f"the writer flags no keyframe at {look.unflagged} frames where decoding can begin: let it do so")
    if look.is_stalled:
        found.append(f"the writer lives and has written nothing for {units.seconds(look.age_s)}")
    if look.state == "dead":
        found.append("the writer died without closing the ring: start it again, or run vshm check --clean")
    return found


def _clock(look: Survey) -> str:
    if not look.info.extended:
        return "by the writer (version 1)"
    frames = len(look.slots)
    by_driver = sum(bool(slot.flags & Flag.CAPTURE_DRIVER) for slot in look.slots)
    if 0 < by_driver < frames:
        return f"driver for {by_driver} of {counted(frames, 'frame')}, else time of dequeue, or of the write"
    return "driver" if by_driver else "time of dequeue, or of the write"


def _keyframes(look: Survey) -> str:
    """Return how many keyframes the ring holds, by kind if the codec has several kinds."""
    idr, recovery_points = look.keyframes.values()
    if look.codec in ("h264", "h265"):
        return f"{idr} IDR, {counted(recovery_points, 'recovery point')}"
    return str(idr)


def _picture(look: Survey) -> list[tuple[str, str]]:
    """Return how the newest raw picture lies in its slot, or nothing if it is none."""
    newest = max(look.slots, key=lambda slot: slot.number, default=None)
    try:
        layout = newest.meta.layout if newest is not None else None
    except BrokenPicture as error:
        return [("picture", error.strerror)]
    if layout is None:
        return []
    rows = ", ".join(f"{plane.rows} rows of {plane.stride} bytes" for plane in layout.planes)
    colour = layout.colour
    span = Range(colour.range).name.lower() if colour.range in set(Range) else str(colour.range)
    numbers = f"matrix {colour.matrix}, primaries {colour.primaries}, transfer {colour.transfer} of H.273"
    return [("picture", f"{rows}; range {span}, {numbers}")]


def _facts(look: Survey) -> list[tuple[str, str]]:
    info = look.info
    geometry = f"{info.slots} slots of {units.size(info.slot_size)}, {units.size(info.object_bytes)} in all"
    media = Media(info.media).name.lower() if info.media in set(Media) else f"media {info.media}"
    facts = [
        ("ring", look.name),
        ("format", f"version {info.version}{', extended' if info.extended else ''}, {media}"),
        ("geometry", geometry),
        ("permissions", permissions(look)),
        ("state", look.state),
        ("stream", f"{look.codec or 'no frame yet'} {units.stream(look.width, look.height, look.audio)}"),
        ("rate", f"{units.rate(look.fps)} fps, {units.bits(look.bit_rate)}, GOP {gop(look)}"),
        ("frames", f"{info.frames} written, {info.dropped} dropped"),
        ("v1 readers", str(info.v1_readers)),
    ]
    if not info.extended:
        return facts
    dropped = f"busy {info.dropped_busy}, too large {info.dropped_too_large}, no space {info.dropped_no_space}"
    return [
        *facts,
        *(
            [("sound", f"{look.audio.samples} samples a frame, {units.seconds(look.audio.seconds)}")]
            if look.audio
            else []
        ),
        *_picture(look),
        ("writer", tell_writer(look)),
        ("epoch", f"{info.epoch}; remade {info.remade}, semaphores re-armed {info.rearmed}"),
        ("keyframes", f"{info.keyframes}; in the ring {_keyframes(look)}"),
        ("payload", units.size(info.bytes)),
        ("dropped", dropped),
        ("last frame", f"{units.seconds(look.age_s)} ago"),
        ("capture time", _clock(look)),
    ]


def _slot_row(slot: SlotInfo, now_ns: int) -> list[str]:
    wall = datetime.fromtimestamp(slot.meta.timestamp_ms / 1000) if slot.meta.timestamp_ms < 1 << 42 else None
    return [
        str(slot.slot),
        str(slot.number),
        units.size(slot.meta.size),
        "R" if slot.is_recovery_point else "I" if slot.is_keyframe else "P",
        codec_name(slot.meta.codec),
        units.seconds((now_ns - slot.publish_ns) / 1e9) if slot.publish_ns else units.DASH,
        f"{wall:%H:%M:%S.%f}"[:-3] if wall else units.DASH,
    ]


def _json(look: Survey, users: Users, published: list[PublishedConsumer]) -> dict[str, object]:
    return {
        "name": look.name,
        "state": look.state,
        "permissions": permissions(look),
        "fps": look.fps,
        "bit_rate": look.bit_rate,
        "gop": look.gop,
        "age_s": look.age_s,
        "capture_time": _clock(look),
        "audio": look.audio,
        "info": look.info,
        "keyframes": look.keyframes,
        "unflagged_entry_points": look.unflagged,
        "slots": [{**slot._asdict(), "recovery_point": slot.is_recovery_point} for slot in look.slots],
        "readers": users.readers_of(look.info),
        "published": published,
        "hidden_processes": users.hidden,
        "warnings": warnings(look),
    }


def _tell_counts(own: PublishedConsumer) -> str:
    return f": {own.received} received, {own.missed} missed"


def _print_readers(look: Survey, users: Users, published: list[PublishedConsumer]) -> None:
    counters = by_pid(published, users, look.info.identity)
    for reader in users.readers_of(look.info):
        told = _tell_counts(counters[reader.pid]) if reader.pid in counters else ""
        tell(f"{'reader:':<14}{tell_process(reader)}{told}")
    for own in published:
        if own.alive and own not in counters.values():
            tell(f"{'reader:':<14}{own.pid} (out of sight here){_tell_counts(own)}")
    if users.hidden:
        tell(f"{'hidden:':<14}{tell_hidden(users)}")


def run(arguments: Namespace) -> int:
    """Return exit code 0, or 1 if there is a warning."""
    look = survey_one(ring_name(arguments.ring), arguments.seconds)
    users = find_users()
    published = [consumer for consumer in list_published() if consumer.identity == look.info.identity]
    warned = warnings(look)
    if arguments.json:
        print_json(_json(look, users, published))
        return Exit.FINDING if warned else Exit.HEALTHY
    for name, value in _facts(look):
        tell(f"{name + ':':<14}{value}")
    _print_readers(look, users, published)
    print()
    now_ns = time.monotonic_ns()
    columns = ("SLOT", "FRAME", "SIZE", "KEY", "CODEC", "AGE", "CAPTURED")
    print_table(columns, [_slot_row(slot, now_ns) for slot in look.slots], right=("SLOT", "FRAME", "SIZE", "AGE"))
    for warning in warned:
        complain(f"warning: {warning}")
    return Exit.FINDING if warned else Exit.HEALTHY
