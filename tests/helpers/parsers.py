# SPDX-License-Identifier: Apache-2.0
"""Splits streams into access units with our splitter, FFmpeg's parser and GStreamer's parsers."""

import base64
import json
import random
import subprocess
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import av
import judges

from vshm_ctypes import Codec
from vshm_ctypes.bitstream import EntryPoint, Splitter

CODECS = {"h264": Codec.H264, "h265": Codec.H265}
FFMPEG_NAMES = {"h264": "h264", "h265": "hevc"}
SIGNS = {EntryPoint.NONE: ".", EntryPoint.IDR: "I", EntryPoint.RECOVERY_POINT: "R"}


class Unit(NamedTuple):
    """An access unit. entry is "I", "R" or "." as in the corpus; other parsers tell only "K" or "."."""

    data: bytes
    entry: str


def in_pieces(data: bytes, chance: random.Random) -> list[bytes]:
    """Yield the stream in pieces of random sizes, some of a single byte."""
    pieces, at = [], 0
    longest = chance.choice([7, 100, 1500, len(data)])
    while at < len(data):
        size = chance.randint(1, longest)
        pieces.append(data[at : at + size])
        at += size
    return pieces


def by_splitter(codec: str, pieces: list[bytes]) -> list[Unit]:
    """Split the stream with our splitter."""
    splitter = Splitter(CODECS[codec])
    found = [unit for piece in pieces for unit, _ in splitter.feed(piece)]
    found += [unit for unit, _ in splitter.flush()]
    return [Unit(unit.data, SIGNS[unit.entry]) for unit in found]


def parsed(context: Any, *pieces: bytes) -> list[Any]:
    """Return the packets that the parser of PyAV's codec context finds in a stream.

    FFmpeg's parsers read up to 64 bytes beyond what they are given, and PyAV gives them the bytes where they lie.
    """
    padded = [memoryview(piece + bytes(64))[: len(piece)] for piece in pieces]
    return [packet for piece in [*padded, None] for packet in context.parse(piece)]


def by_ffmpeg(codec: str, pieces: list[bytes]) -> list[Unit]:
    """Split the stream with FFmpeg's parser, through PyAV."""
    packets = parsed(av.CodecContext.create(FFMPEG_NAMES[codec], "r"), *pieces)
    return [Unit(bytes(packet), "K" if packet.is_keyframe else ".") for packet in packets]


class GStreamer:
    """h264parse and h265parse with alignment=au, in a child process that lives as long as this object."""

    def __init__(self) -> None:
        program = str(Path(__file__).with_name("gstreamer_parser.py"))
        self._child = subprocess.Popen(
            [judges.gstreamer_python(), program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def units(self, codec: str, pieces: list[bytes]) -> list[Unit]:
        assert self._child.stdin and self._child.stdout
        asked = json.dumps({"codec": codec, "pieces": [len(piece) for piece in pieces]})
        self._child.stdin.write(asked.encode() + b"\n" + b"".join(pieces))
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        assert line, f"GStreamer's child ended with {self._child.wait()}"
        return [Unit(base64.b64decode(data), "K" if key else ".") for data, key in json.loads(line)]

    def close(self) -> None:
        assert self._child.stdin and self._child.stdout
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait()


def slices(data: bytes, codec: str) -> tuple[bytes, ...]:
    """Return the slices of primary pictures only, which are the same for every parser."""
    found = []
    for nal in data.split(b"\0\0\1")[1:]:
        unit = nal.rstrip(b"\0")
        if not unit:
            continue
        if codec == "h264":
            is_slice = unit[0] & 0x1F in (1, 5)
        else:
            is_slice = unit[0] >> 1 & 0x3F < 32 and (unit[0] & 1) << 5 | unit[1] >> 3 == 0
        if is_slice:
            found.append(unit)
    return tuple(found)


def pictures(units: list[Unit], codec: str) -> list[tuple[bytes, ...]]:
    """Return the slices of each access unit."""
    return [slices(unit.data, codec) for unit in units]


def decoded(codec: str, packets: list[bytes]) -> list[int]:
    """Return a checksum of each undamaged picture from FFmpeg's decoder, in output order."""
    context = av.CodecContext.create(FFMPEG_NAMES[codec], "r")
    assert isinstance(context, av.VideoCodecContext)
    context.thread_count = 1
    found = []
    for packet in [*(av.Packet(data) for data in packets), None]:
        try:
            frames = context.decode(packet)
        except av.error.FFmpegError:
            continue
        for frame in frames:
            checksum = zlib.crc32(f"{frame.width}x{frame.height} {frame.format.name}".encode())
            for plane in frame.planes:
                checksum = zlib.crc32(bytes(plane), checksum)
            found.append(checksum)
    return found
