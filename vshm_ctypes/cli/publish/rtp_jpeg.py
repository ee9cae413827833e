# SPDX-License-Identifier: Apache-2.0
"""Which JPEG pictures RTP can carry, and how they have to look: RFC 2435. FFmpeg drops others without an error."""

from __future__ import annotations

import struct

from ...bitstream import JpegPicture, StreamError, read_jpeg
from ...bitstream.jpeg_tables import huffman_segment

MOST_PIXELS = 2040  # its header has 8 bits for each side, in blocks of 8 pixels
_SOF0, _DHT, _DQT, _DRI = 0xC0, 0xC4, 0xDB, 0xDD
_SAMPLINGS = ((0x21, 0x11, 0x11), (0x22, 0x11, 0x11))  # 4:2:2 and 4:2:0
_STANDARD = {(kind, place): huffman_segment([(kind, place)])[4:] for kind in (0, 1) for place in (0, 1)}
_REMEDY = "let camera-streamer encode to H.264"


def rtp_jpeg(data: bytes) -> bytes:
    """Return the picture as RTP can carry it. Raises StreamError if it can't, which says why.

    RTP takes two quantization tables, for luma and for colour, and some encoders write one for both. FFmpeg would send
    that one, and GStreamer's receiver would take what follows for the other.
    """
    picture = read_jpeg(data)
    assert picture.frame is not None and picture.first_scan is not None
    if data[picture.frame.begin - 3] != _SOF0:
        raise StreamError(f"RTP takes baseline JPEG only: {_REMEDY}")
    if max(picture.width, picture.height) > MOST_PIXELS:
        told = f"this has {picture.width}x{picture.height}: {_REMEDY}"
        raise StreamError(f"RTP takes JPEG of up to {MOST_PIXELS} pixels a side, and {told}")
    components = [*struct.iter_unpack("BBB", data[picture.frame.begin + 6 : picture.frame.end])]
    if tuple(sampling for _, sampling, _ in components) not in _SAMPLINGS:
        raise StreamError(f"RTP takes JPEG with its colours at 4:2:0 or 4:2:2 only: {_REMEDY}")
    segments = _segments(picture)
    if not all(_is_standard(data[begin:end]) for kind, begin, end in segments if kind == _DHT):
        raise StreamError(f"RTP takes JPEG with the standard Huffman tables only, and these are others: {_REMEDY}")
    if any(kind == _DRI and any(data[begin:end]) for kind, begin, end in segments):
        raise StreamError(f"FFmpeg sends no JPEG with restart intervals by RTP, but a damaged picture: {_REMEDY}")
    tables: dict[int, bytes] = {}
    for kind, begin, end in segments:
        if kind == _DQT:
            tables |= _quantization(data[begin:end])
    wanted = [table for _, _, table in components]
    if wanted in ([0, 1, 1], [0, 0, 0]) and 0 in tables and not (wanted[1] and 1 not in tables):
        return data if wanted[1] else _with_two_tables(data, picture, tables[0])
    raise StreamError(f"RTP takes JPEG with quantization tables 0 and 1 only: {_REMEDY}")


def _segments(picture: JpegPicture) -> list[tuple[int, int, int]]:
    """Return kind, begin and end of the parameters of each segment before the first scan."""
    return [(marker, begin, end) for marker, _, begin, end in picture.header[:-1]]


def _is_standard(tables: bytes) -> bool:
    """Return whether all Huffman tables of a segment are standard ones."""
    while tables:
        standard = _STANDARD.get((tables[0] >> 4, tables[0] & 15), b"")
        if not standard or not tables.startswith(standard):
            return False
        tables = tables[len(standard) :]
    return True


def _quantization(tables: bytes) -> dict[int, bytes]:
    """Return the tables of a segment by their numbers. Raises StreamError if one has 16 bits for each value."""
    found = {}
    for at in range(0, len(tables), 65):
        if tables[at] >> 4:
            raise StreamError(f"RTP takes JPEG with 8 bits in its quantization tables only: {_REMEDY}")
        found[tables[at] & 15] = tables[at + 1 : at + 65]
    return found


def _with_two_tables(data: bytes, picture: JpegPicture, table: bytes) -> bytes:
    """Return the picture with its one quantization table a second time, which the colours then use."""
    assert picture.frame is not None
    frame = picture.frame
    header = bytearray(data[frame.at : frame.end])
    header[-1] = header[-4] = 1
    both = b"".join(bytes([0xFF, _DQT, 0, 67, number]) + table for number in (0, 1))
    kept, at = [], picture.begin
    for kind, begin, end in _segments(picture):
        if kind == _DQT:
            kept.append(data[at : begin - 4])
        elif begin == frame.begin:
            kept += [data[at : begin - 4], both, bytes(header)]
        else:
            continue
        at = end
    return b"".join([*kept, data[at:]])
