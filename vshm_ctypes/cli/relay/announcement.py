# SPDX-License-Identifier: Apache-2.0
"""One run of an exported ring on the network: its token, its publisher, and what it answers."""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from .keys import Export
from .last_gop import LastGop
from .window import Window
from .wire import UNIT, About, Header, Refused, pack_clocks, parse_count

if TYPE_CHECKING:
    import zenoh

_LONGEST_ID = 64


class Announcement:
    """Declares everything in Zenoh, the token last, and undeclares it with close().

    Attributes:
        about: the ring as it is announced, without its last unit.
        gop: what late importers get.
        window: the brake.
    """

    def __init__(self, session: zenoh.Session, export: Export, about: About) -> None:
        from zenoh import CongestionControl, Priority

        self.about, self.gop, self.window = about, LastGop(), Window()
        self._export = export
        self._publisher = session.declare_publisher(
            export.key("unit"),
            congestion_control=CongestionControl.DROP,
            priority=Priority.DATA_HIGH,
            express=False,
        )
        self._declared: list[Any] = [
            session.declare_queryable(export.key("about"), self._tell_about),
            session.declare_queryable(export.key("gop"), self._tell_gop),
            session.declare_queryable(export.key("clock"), self._tell_clock),
            session.declare_subscriber(export.key("heard/*"), self._hear),
            self._publisher,
            session.liveliness().declare_token(export.key("alive")),
        ]

    @property
    def wanted(self) -> bool:
        """Whether anybody has subscribed."""
        return bool(self._publisher.matching_status.matching)

    def put(self, header: Header, data: bytes) -> None:
        """Send a unit, or the END."""
        if header.kind == UNIT:
            self.window.send(header.sequence, len(data))
        self._publisher.put(data, attachment=header.pack())

    def close(self) -> None:
        """Undeclare everything, the token first."""
        for one in reversed(self._declared):
            one.undeclare()

    # ---- what Zenoh's threads call ----

    def _tell_about(self, query: zenoh.Query) -> None:
        last = self.gop.last()
        about = self.about
        if last is not None:
            about = about._replace(codec=last.codec, width=last.width, height=last.height, fps=last.fps)
        with query:
            query.reply(self._export.key("about"), about.pack())

    def _tell_gop(self, query: zenoh.Query) -> None:
        with query:
            for header, data in self.gop.units():
                query.reply(self._export.key("gop"), data, attachment=header.pack())

    def _tell_clock(self, query: zenoh.Query) -> None:
        arrived_ns = monotonic_ns()
        with query:
            query.reply(self._export.key("clock"), pack_clocks(arrived_ns, monotonic_ns()))

    def _hear(self, sample: zenoh.Sample) -> None:
        importer = str(sample.key_expr).rpartition("/")[2]
        if len(importer) > _LONGEST_ID or len(sample.payload) > _LONGEST_ID:
            return
        try:
            self.window.hear(importer, parse_count(sample.payload.to_bytes()))
        except Refused:  # a stranger's
            return
