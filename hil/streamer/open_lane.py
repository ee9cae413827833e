# SPDX-License-Identifier: Apache-2.0
"""Opens the lane of a channel, with an encoder that suits channel and source, or with none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vshm_ctypes import Codec

from .channels import CODECS, Channel
from .encoder_settings import EncoderError
from .ledger import Ledger
from .log import LOG
from .sources.source import Source

if TYPE_CHECKING:  # only what a channel needs is loaded
    from .lane import Lane
    from .pass_through import PassThrough

    AnyLane = Lane | PassThrough

RATE_TOLERANCE = 0.01  # 30000/1001 counts as 30


def check_pass_through(channel: Channel, source: Source, codec: Codec) -> None:
    """Check that the source's own stream is what the channel requires. Raises EncoderError if not."""
    has = f"{codec.name.lower()} of {source.width}x{source.height}"
    wants: list[str] = []
    if channel.codec != "auto" and CODECS.get(channel.codec) != codec:
        wants.append(channel.codec)
    if channel.width and (channel.width, channel.height) != (source.width, source.height):
        wants.append(f"{channel.width}x{channel.height}")
    if channel.encoder == "copy" and channel.fps and abs(channel.fps - source.fps) > channel.fps * RATE_TOLERANCE:
        has += f" at {source.fps:g} fps"
        wants.append(f"{channel.fps:g} fps")
    if wants:
        raise EncoderError(
            f"{channel.ring}: {source.name} is encoded already, {has}; passed through, it can't be {', '.join(wants)}"
        )


def open_lane(channel: Channel, source: Source, ledger: Ledger | None, alone: bool = False) -> AnyLane:
    """Open the lane of a channel, with a suitable encoder. Raises EncoderError, and what Lane raises.

    alone: it is the only one.
    """
    width, height = channel.width or source.width, channel.height or source.height
    if source.codec is not None:
        from .pass_through import PassThrough

        check_pass_through(channel, source, source.codec)
        passed = PassThrough(channel, source, source.codec, ledger)
        LOG.info("%s: %dx%d, %s as it comes", channel.ring, passed.width, passed.height, source.codec.name.lower())
        return passed
    if channel.encoder == "copy":
        raise EncoderError(f"{channel.ring}: encoder=copy: {source.name} has raw pictures only; choose an encoder")
    from .lane import Lane

    if channel.is_raw:
        lane = Lane(channel, source, None, ledger)
        size = lane.outlet.ring_bytes / 1e6
        LOG.info("%s: %dx%d, raw pictures (%s), a ring of %.1f MB", channel.ring, width, height, channel.codec, size)
        return lane
    from .probe import choose_encoder

    name, why_not = choose_encoder(channel, width, height, channel.fps or source.fps)
    if why_not is not None:
        LOG.info("%s: not the board's own encoder: %s", channel.ring, why_not)
    lane = Lane(channel, source, name, ledger, alone)
    LOG.info("%s: %dx%d by %s", channel.ring, lane.width, lane.height, name)
    return lane
