# SPDX-License-Identifier: Apache-2.0
"""Reads the orientation of a photo from its Exif data (Exif 2.32, 4.6.4), in any format that carries them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

ORIENTATION = 0x0112  # tag number
ORIENTATIONS = range(1, 9)
_TIFF = {b"II*\0": "<", b"MM\0*": ">"}  # byte orders
_HEAD = b"Exif\0\0"  # in front of the Exif data in JPEG, and by some writers in WebP


def exif_orientation(photo: bytes) -> int | None:
    """Return the orientation, from 1 to 8, of a JPEG, PNG, WebP or TIFF photo, or None if it has none."""
    if photo[:4] in _TIFF:
        return _orientation(photo)
    for kind, body in _segments(photo):
        if kind in (b"\xe1", b"eXIf", b"EXIF") and (kind != b"\xe1" or body.startswith(_HEAD)):
            return _orientation(body.removeprefix(_HEAD))
    return None


def _segments(photo: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and content of a picture's parts, in JPEG only those before the coded picture."""
    if photo.startswith(b"\xff\xd8"):  # ITU-T T.81 B.1.1.4
        at = 2
        while photo[at : at + 1] == b"\xff" and photo[at + 1 : at + 2] not in (b"\xda", b""):
            end = at + 2 + int.from_bytes(photo[at + 2 : at + 4], "big")
            yield photo[at + 1 : at + 2], photo[at + 4 : end]
            at = end
    elif photo.startswith(b"\x89PNG\r\n\x1a\n"):  # length, type, content, checksum
        yield from _chunks(photo, 8, ">I4s", checksum=4)
    elif photo.startswith(b"RIFF") and photo[8:12] == b"WEBP":  # type, length, content, padding to an even length
        yield from _chunks(photo, 12, "<4sI", checksum=0)


def _chunks(photo: bytes, at: int, form: str, checksum: int) -> Iterator[tuple[bytes, bytes]]:
    while at + 8 <= len(photo):
        first, second = struct.unpack_from(form, photo, at)
        size, kind = (first, second) if checksum else (second, first)
        yield kind, photo[at + 8 : at + 8 + size]
        at += 8 + size + (checksum or size % 2)


def _orientation(tiff: bytes) -> int | None:
    order = _TIFF.get(tiff[:4], "<")
    try:
        (directory,) = struct.unpack_from(f"{order}4xI", tiff)
        (count,) = struct.unpack_from(f"{order}H", tiff, directory)
        for number in range(count):
            tag, value = struct.unpack_from(f"{order}H6xH", tiff, directory + 2 + 12 * number)
            if tag == ORIENTATION:
                return value if value in ORIENTATIONS else None
    except struct.error:  # the file is incomplete
        pass
    return None
