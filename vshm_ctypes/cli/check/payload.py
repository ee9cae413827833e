# SPDX-License-Identifier: Apache-2.0
"""Checks that frames flagged as keyframes can be decoded: a ring takes any bytes, but a decoder does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ...bitstream import EntryPoint, StreamError, entry_point, nal_units, read_jpeg
from ...codec import Codec, codec_name
from ...consumer import Consumer
from ...decodable import SETS
from ...errors import BrokenPicture, VideoShmError
from ...frame import Frame, Media
from ...info import State
from ..survey import Survey
from .findings import Finding


def undecodable(data: bytes, codec: int) -> str | None:
    """Return why decoding can't begin at a frame, or None if it can, or if this codec is not examined."""
    if codec == Codec.JPEG:
        try:
            read_jpeg(data)
        except StreamError as error:
            return str(error)
        return None
    if codec not in SETS:
        return None
    if next(nal_units(data, codec), None) is None:
        return "it has no NAL unit: no start code (00 00 01)"
    if entry_point(data, codec) is EntryPoint.NONE:
        return "it has neither an IDR picture nor a recovery point"
    return None


def broken(frame: Frame) -> str | None:
    """Return why a frame can't be a raw picture, or None if it can, or if it is none."""
    try:
        _ = frame.layout
    except BrokenPicture as error:
        return error.strerror
    return None


def _frames(look: Survey) -> Iterator[Frame]:
    """Yield the frames in the ring, oldest first; none if its writer is gone."""
    with suppress(VideoShmError), Consumer(look.name, start="oldest") as stream:
        for _ in look.slots:
            frame = stream.receive(0)
            if frame is None:
                return
            yield frame


def check_payload(look: Survey) -> Iterator[Finding]:
    """Check a ring of pictures for keyframes that can't be decoded, and for missing parameter sets."""
    if look.info.media != Media.VIDEO or look.info.state not in (State.LIVE, State.UNKNOWN):
        return
    flagged, reasons, codec, sets = 0, list[str](), -1, set[int]()
    for frame in _frames(look):
        if frame.codec in SETS:
            sets |= {nal.kind for nal in nal_units(frame.data, frame.codec)}
        if frame.is_keyframe:
            flagged, codec = flagged + 1, frame.codec
            why = broken(frame) or undecodable(frame.data, frame.codec)
            reasons += [why] if why is not None else []
    if reasons:
        yield Finding(
            "not-decodable",
            look.name,
            f"{len(reasons)} of the {flagged} keyframes in it can't be decoded as {codec_name(codec)}: {reasons[-1]}",
            "readers get frames, and decoders no picture",
            "let its writer write whole access units (H.264, H.265: Annex B) or JPEG pictures, and set their codec; "
            "raw pictures: the size that codec, width, height and rows say",
        )
    elif flagged and (missing := [name for kind, name in SETS.get(codec, {}).items() if kind not in sets]):
        yield Finding(
            "no-parameter-sets",
            look.name,
            f"its keyframes come without their parameter sets ({', '.join(missing)})",
            "readers that join get frames, and decoders no picture",
            "let its encoder repeat them with each keyframe",
        )
