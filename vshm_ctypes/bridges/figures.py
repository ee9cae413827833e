# SPDX-License-Identifier: Apache-2.0
"""What a bridge tells of itself: as JSON, to vshm export, and at its end."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Link(enum.StrEnum):
    """The state of a bridge's far side."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"


class Cause(enum.StrEnum):
    """Why a bridge dropped a frame that it had read.

    SLOW: the far side takes less than the ring gives. DOWN: there was no far side. UNDECODABLE: it lies between a gap
    and the next keyframe, or the far side can't take it. TOO_LARGE: it alone is more than the bridge keeps. ENDED: it
    was still waiting when the bridge ended.
    """

    SLOW = "slow"
    DOWN = "down"
    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """The counters of one ring's frames on their way over a bridge.

    Always received == sent + the sum of dropped + pending.

    Attributes:
        ring: name of the ring.
        received: frames that the bridge has read.
        missed: frames that were overwritten before it could read them.
        skipped: frames that it passed over by its reader's policy.
        sent: frames that the far side has taken.
        sent_bytes: bytes of these.
        dropped: frames that it read and did not send, by Cause.
        pending: frames that wait in the bridge.
        p50_ms: how long a frame is in the bridge, in ms: half of them are no longer; None if none was sent yet.
        p99_ms: likewise, 99 % of them.
    """

    ring: str
    received: int = 0
    missed: int = 0
    skipped: int = 0
    sent: int = 0
    sent_bytes: int = 0
    dropped: dict[Cause, int] | None = None
    pending: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class BridgeFigures:
    """The counters of a bridge.

    Attributes:
        bridge: which one: the verb.
        far: address of the far side, without credentials.
        state: of the far side.
        reconnects: how often the far side was connected anew.
        error: why it is not connected, or was not the last time; None if it always was.
        streams: one for each ring.
    """

    bridge: str
    far: str
    state: Link
    reconnects: int
    error: str | None
    streams: tuple[StreamFigures, ...]
