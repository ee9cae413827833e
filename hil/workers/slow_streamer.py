# SPDX-License-Identifier: Apache-2.0
"""Runs camera-streamer with a slower encoder: too slow for its camera on any machine, without any load."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from hil.streamer import encoder
from hil.streamer.main import main as stream


def main(words: Sequence[str]) -> int:
    """Run it.

    The first argument is the additional time per picture in milliseconds; the others are camera-streamer's.
    """
    more_s = float(words[0]) / 1000
    encode = encoder.Encoder.encode

    def encode_slowly(*arguments: Any) -> list[encoder.Encoded]:
        time.sleep(more_s)
        return encode(*arguments)

    encoder.Encoder.encode = encode_slowly  # type: ignore[method-assign, assignment]
    return stream(words[1:])
