# SPDX-License-Identifier: Apache-2.0
"""camera-streamer whose encoder takes longer: too slow for its camera on any machine, without any load."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from hil.streamer import encoder
from hil.streamer.main import main as stream


def main(words: Sequence[str]) -> int:
    """The first word: by how many milliseconds, for each picture; the rest is camera-streamer's."""
    more_s = float(words[0]) / 1000
    encode = encoder.Encoder.encode

    def encode_slowly(*arguments: Any) -> list[encoder.Encoded]:
        time.sleep(more_s)
        return encode(*arguments)

    encoder.Encoder.encode = encode_slowly  # type: ignore[method-assign, assignment]
    return stream(words[1:])
