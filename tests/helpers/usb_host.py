# SPDX-License-Identifier: Apache-2.0
"""The host's side of USB/IP in a test: it submits transfers to a camera and takes its answers, as vhci_hcd does."""

from __future__ import annotations

import io
import itertools
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hil.usb.books import BookKeeper, Books, parse_books
from hil.usb.clips import clip_name, open_clips, write_clip
from hil.usb.configuration import isochronous_endpoints
from hil.usb.descriptors import Texts
from hil.usb.designs import DESIGNS, Design, Format, Frame
from hil.usb.device import CameraDevice, Model
from hil.usb.faults import Faults
from hil.usb.usbip import Link, pair

PACKETS, PACKET_BYTES = 32, 3072  # of an isochronous transfer, as uvcvideo makes them
WAITING = 5  # transfers, likewise
LENGTH = 7  # pictures in a clip
STANDARD_IN, STANDARD_OUT, CLASS_IN, CLASS_OUT = 0x80, 0x01, 0xA1, 0x21
SET_CONFIGURATION, SET_INTERFACE = 9, 11


class Answer(NamedTuple):
    """An answer. packets: (data, status) of each, if the transfer was isochronous. length: what it says it carried."""

    number: int
    status: int
    data: bytes
    length: int
    packets: list[tuple[bytes, int]]


def picture_bytes(number: int, size: int) -> bytes:
    """The bytes of a clip's picture: none like another, and none that is zero."""
    return bytes((number * 31 + at * 7 + at // 256) % 255 + 1 for at in range(size))


def small_design(fourcc: str = "MJPG", **options: object) -> Design:
    """A design with one small format in two sizes."""
    intervals = (333_333, 666_666, 1_000_000)
    frames = Frame(160, 90, intervals), Frame(320, 180, intervals)
    return Design("for tests", (Format(fourcc, fourcc, frames),), **options)  # type: ignore[arg-type]


def model_of(folder: Path, design: Design | str, size: int = 2000, pictures: list[bytes] | None = None) -> Model:
    """A model of a design, or of the one of that name, with pictures of that many bytes in a folder."""
    design = DESIGNS[design] if isinstance(design, str) else design
    for clip in design.clips():
        made = pictures or [picture_bytes(number, size) for number in range(LENGTH)]
        write_clip(folder / clip_name(*clip), made)
    return Model(design, Texts("Maker", "Camera", "S1"), open_clips(folder, design.clips()))


class Host:
    """A camera that is plugged into a host that the test plays. now_s: the clock of both.

    size: bytes of each picture.
    """

    def __init__(
        self, folder: Path, design: Design | None = None, size: int = 20_000, pictures: list[bytes] | None = None
    ) -> None:
        self.design = design or small_design()
        self.now_s = 1000.0
        self.faults = Faults(self._now)
        self._written = io.StringIO()
        ours, self._socket = pair()
        self._isochronous = isochronous_endpoints(self.design)
        self.link = Link(ours, self._isochronous)
        model = model_of(folder, self.design, size, pictures)
        self.device = CameraDevice(model, self.link, self.faults, BookKeeper(self._written), self._now)
        self._numbers = itertools.count(1)
        self._asked: dict[int, int] = {}  # the packets of each transfer that is waiting, or -1

    def _now(self) -> float:
        return self.now_s

    def close(self) -> None:
        self.link.close()
        self._socket.close()

    def books(self) -> Books:
        return parse_books(self._written.getvalue().splitlines(keepends=True))

    # Transfers

    def submit(
        self, endpoint: int, length: int, incoming: bool = True, setup: bytes = bytes(8), data: bytes = b""
    ) -> int:
        """Submit a transfer that is not isochronous, and let the camera take it. Returns its number."""
        number = next(self._numbers)
        self._asked[number] = -1
        head = struct.pack(">5I", 1, number, 0x10001, incoming, endpoint)
        self._socket.sendall(head + struct.pack(">Iiiii", 0, length, 0, -1, 0) + setup + data)
        self.device.receive()
        return number

    def submit_packets(self, endpoint: int = 1, packets: int = PACKETS, size: int = PACKET_BYTES) -> int:
        """Submit an isochronous transfer, and let the camera take it. Returns its number."""
        number = next(self._numbers)
        self._asked[number] = packets
        head = struct.pack(">5I", 1, number, 0x10001, 1, endpoint)
        table = b"".join(struct.pack(">IIIi", at * size, size, 0, 0) for at in range(packets))
        self._socket.sendall(head + struct.pack(">Iiiii", 0, packets * size, 0, packets, 1) + bytes(8) + table)
        self.device.receive()
        return number

    def unlink(self, number: int) -> int:
        """Take a transfer back. Returns the status with which the camera lets it go."""
        self._socket.sendall(struct.pack(">5II", 2, next(self._numbers), 0x10001, 0, 0, number) + bytes(24))
        self.device.receive()
        _, _, _, _, _, status = struct.unpack_from(">5Ii", self._read(48))
        return int(status)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self._socket.recv(size - len(data))
        return data

    def answers(self) -> list[Answer]:
        """All answers that are there."""
        found = []
        while self._is_there():
            command, number, *_ = struct.unpack(">5I", (head := self._read(48))[:20])
            assert command == 3
            status, length, _, count, errors = struct.unpack_from(">5i", head, 20)
            asked = self._asked.pop(number)
            data = self._read(length) if asked >= 0 or number not in self._sent else b""
            packets = []
            if asked >= 0:
                assert count == asked
                table = [struct.unpack(">IIIi", self._read(16)) for _ in range(count)]
                at = 0
                for _, room, actual, failed in table:
                    assert actual <= room
                    packets.append((data[at : at + actual], failed))
                    at += actual
                assert at == length and errors == sum(failed != 0 for _, failed in packets)
            found.append(Answer(number, status, data, length, packets))
        return found

    _sent: frozenset[int] = frozenset()  # transfers that carried data to the camera, whose answers have none

    def _is_there(self) -> bool:
        self._socket.setblocking(False)
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self._socket.setblocking(True)

    # Control transfers

    def control(self, kind: int, request: int, value: int, index: int, what: int | bytes = 0) -> Answer | None:
        """Make a control transfer. what: the bytes to send, or how many to get. Returns None if nothing is answered."""
        data = what if isinstance(what, bytes) else b""
        length = len(what) if isinstance(what, bytes) else what
        setup = struct.pack("<BBHHH", kind, request, value, index, length)
        incoming = bool(kind & 0x80)
        number = next(iter([self.submit(0, length, incoming, setup, data)]))
        if not incoming:
            self._sent |= {number}
        return next((each for each in self.answers() if each.number == number), None)

    def got(self, kind: int, request: int, value: int, index: int, length: int = 255) -> bytes:
        """What a control transfer brings."""
        answer = self.control(kind, request, value, index, length)
        assert answer is not None and answer.status == 0, answer
        return answer.data

    def start(self, frame_index: int = 1, interval: int = 333_333, alternate: int = 4) -> None:
        """Commit to a format, and start its stream."""
        data = struct.pack("<HBBI", 1, 1, frame_index, interval) + bytes(26)
        answer = self.control(CLASS_OUT, 1, 0x0200, 1, data)
        assert answer is not None and answer.status == 0
        if not self.design.bulk:
            answer = self.control(STANDARD_OUT, SET_INTERFACE, alternate, 1)
            assert answer is not None and answer.status == 0

    # Pictures

    def payloads(self, seconds: float, step_s: float = 0.005) -> list[tuple[bytes, int]]:
        """Let time pass, with transfers waiting for pictures, and return the (payload, status) that came."""
        found = []
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s += step_s
            self.device.tick()
            while answers := self._served():
                found += answers
        return found

    def _served(self) -> list[tuple[bytes, int]]:
        """Keep transfers waiting, and return the (payload, status) that came."""
        found = []
        while len(self._asked) < WAITING:
            self.submit(1, 16384) if self.design.bulk else self.submit_packets()
        for answer in self.answers():
            found += [(answer.data, answer.status)] if self.design.bulk else answer.packets
        return [one for one in found if one != (b"", 0)]


Plug = Callable[..., Host]


def plugging(tmp_path: Path) -> Iterator[Plug]:
    """Plug cameras into hosts of a test, with Host's arguments but the folder; a fixture is made of this."""
    hosts: list[Host] = []

    def plug(design: Design | None = None, **options: Any) -> Host:
        hosts.append(Host(tmp_path, design, **options))
        return hosts[-1]

    yield plug
    for host in hosts:
        host.close()


class Received(NamedTuple):
    """A picture as a driver sees it: the payloads of one frame id. headers: as (bits, pts, clock, frame)."""

    data: bytes
    headers: list[tuple[int, int | None, int | None, int | None]]

    @property
    def ended(self) -> bool:
        """Whether the last payload says that it is."""
        return bool(self.headers[-1][0] & 0x02)

    @property
    def failed(self) -> bool:
        """Whether a payload has the error bit."""
        return any(bits & 0x40 for bits, *_ in self.headers)


def header_of(payload: bytes) -> tuple[int, int | None, int | None, int | None]:
    """(bits, pts, clock, frame) of a payload's header."""
    bits, at, pts, clock, frame = payload[1], 2, None, None, None
    if bits & 0x04:
        (pts,) = struct.unpack_from("<I", payload, at)
        at += 4
    if bits & 0x08:
        clock, frame = struct.unpack_from("<IH", payload, at)
        at += 6
    assert payload[0] == at
    return bits, pts, clock, frame


def received(payloads: list[tuple[bytes, int]]) -> list[Received]:
    """The pictures in payloads: a new one begins where the frame id changes, or after an end."""
    found: list[Received] = []
    for payload, status in payloads:
        if status or payload[0] > len(payload):
            continue
        header = header_of(payload)
        if not found or found[-1].ended or (found[-1].headers[-1][0] ^ header[0]) & 0x01:
            found.append(Received(b"", []))
        found[-1] = Received(found[-1].data + payload[payload[0] :], [*found[-1].headers, header])
    return found
