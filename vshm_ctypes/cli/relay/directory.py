# SPDX-License-Identifier: Apache-2.0
"""Which runs of a ring are alive on the network, by their liveliness tokens."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from .keys import Export, Source, any_export

if TYPE_CHECKING:
    import zenoh

MOST_RUNS = 64


class Directory:
    """The runs of one source, the oldest first. It follows the tokens until close()."""

    def __init__(self, session: zenoh.Session, source: Source) -> None:
        self._changed = threading.Condition()
        self._runs: dict[Export, float] = {}  # and since when they are there
        self._subscriber = session.liveliness().declare_subscriber(any_export(source), self._note, history=True)

    def _note(self, sample: zenoh.Sample) -> None:
        from zenoh import SampleKind

        try:
            export = Export.of(str(sample.key_expr))
        except ValueError:  # a stranger's token
            return
        with self._changed:
            if sample.kind == SampleKind.DELETE:
                self._runs = {one: since_s for one, since_s in self._runs.items() if one != export}
            elif export not in self._runs and len(self._runs) < MOST_RUNS:
                self._runs = {**self._runs, export: monotonic()}
            self._changed.notify_all()

    def first(self, timeout: float, but: frozenset[Export] = frozenset()) -> Export | None:
        """Return the oldest run that is alive, waiting up to timeout seconds for one. but: none of these."""

        def find() -> Export | None:
            return next((one for one in self._runs if one not in but), None)

        with self._changed:
            self._changed.wait_for(lambda: find() is not None, timeout)
            return find()

    def is_alive(self, export: Export) -> bool:
        """Return whether the run is alive."""
        return export in self._runs

    def rivals(self, export: Export, seconds: float) -> int:
        """Return how many other runs have been alive for so long; one that was killed still is for a moment."""
        runs = self._runs
        if len(runs) < 2:
            return 0
        latest_s = monotonic() - seconds
        return sum(since_s <= latest_s for one, since_s in runs.items() if one != export)

    def close(self) -> None:
        """Follow the tokens no more, and end every wait."""
        self._subscriber.undeclare()
