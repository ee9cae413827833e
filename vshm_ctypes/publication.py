# SPDX-License-Identifier: Apache-2.0
"""The writing side of the counters that a reader publishes."""

from __future__ import annotations

from .info import RingInfo
from .published import MAGIC, PREFIX, RECORD, VERSION, Record
from .rings import name_bytes
from .shared_record import SharedRecord, Stamp


class Publication(SharedRecord[RingInfo]):
    """The published object of one Consumer, beginning with info. Raises RingFull if /dev/shm is full, VideoShmError."""

    prefix = PREFIX
    size = RECORD.size
    read_only = "/dev/shm is read-only here: read without publish=True, or mount it to be written"

    def __init__(self, ring: str, info: RingInfo) -> None:
        self._ring = name_bytes(ring)
        super().__init__(info)

    def _pack(self, figures: RingInfo, stamp: Stamp) -> bytes:
        record = Record(
            magic=MAGIC,
            version=VERSION,
            pid=stamp.pid,
            start=stamp.start,
            namespace=stamp.namespace,
            update=stamp.update,
            inode=figures.inode,
            received=figures.received,
            missed=figures.missed,
            skipped=figures.skipped,
            span=figures.span,
            reattached=figures.reattached,
            updated_ns=stamp.updated_ns,
            ring=self._ring,
            again=stamp.update,
        )
        return RECORD.pack(*record)
