# SPDX-License-Identifier: Apache-2.0
"""Parses the description of the sound, from --audio.

alsa:hw:Loopback,1,codec=opus,rate=48000      SOURCE,NAME=VALUE...
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from vshm_ctypes import Codec, ring_name
from vshm_ctypes.audio import SAMPLE_RATES
from vshm_ctypes.rings import AUDIO

from ..channels import Channel, ChannelError, permissions, scaled

SoundCodec = Literal["opus", "aac", "pcm"]
CODECS = {"opus": Codec.OPUS, "aac": Codec.AAC, "pcm": Codec.PCM_S16LE}
RATES = {
    "opus": (8000, 12000, 16000, 24000, 48000),
    "aac": tuple(rate for rate in SAMPLE_RATES.values() if rate <= 96000),
    "pcm": tuple(SAMPLE_RATES.values()),
}
AAC_SAMPLES = 1024
FRAMES_A_SECOND = 50  # of the codecs that leave the frame length open
LARGEST_FRAME = 8192  # bytes, for compressed sound


@dataclass(frozen=True, slots=True)
class Sound:
    """One ring of sound.

    source: alsa:DEVICE, file:PATH or testaudio. rate: Hz. bit_rate: bits per second, or 0 for the encoder's default.
    mode: permission bits.
    """

    source: str
    ring: str = AUDIO
    codec: SoundCodec = "opus"
    rate: int = 48000
    channels: int = 2
    bit_rate: int = 0
    slots: int = 100
    mode: int = 0o660

    def __post_init__(self) -> None:
        if self.source != "testaudio" and not re.match("(alsa|file):.", self.source):
            raise ChannelError(f"--audio {self.source}: alsa:DEVICE, file:PATH or testaudio")
        if self.codec not in get_args(SoundCodec):
            raise ChannelError(f"codec={self.codec}: one of {', '.join(get_args(SoundCodec))}")
        if self.rate not in RATES[self.codec]:
            raise ChannelError(f"rate={self.rate}: {self.codec} takes {', '.join(map(str, RATES[self.codec]))}")
        if self.channels not in (1, 2):
            raise ChannelError(f"channels={self.channels}: 1 or 2")
        if self.bit_rate and not 6000 <= self.bit_rate <= 510_000:
            raise ChannelError(f"bit_rate={self.bit_rate}: from 6k to 510k")
        if not 2 <= self.slots <= 4096:
            raise ChannelError(f"slots={self.slots}: from 2 to 4096")

    @property
    def samples(self) -> int:
        """The number of samples per channel in a frame."""
        return AAC_SAMPLES if self.codec == "aac" else self.rate // FRAMES_A_SECOND

    @property
    def frame_bytes(self) -> int:
        """The bytes of a frame before compression."""
        return self.samples * self.channels * 2

    def channel(self) -> Channel:
        """Return the channel whose ring suits this sound."""
        slot = self.frame_bytes if self.codec == "pcm" else LARGEST_FRAME
        return Channel(ring=self.ring, slots=self.slots, slot=max(slot, 1024), mode=self.mode, bit_rate=self.bit_rate)

    @classmethod
    def parse(cls, text: str, default: Mapping[str, Any] | None = None) -> Sound:
        """Parse the argument of --audio. A device name may contain commas and equals signs. Raises ChannelError.

        default: the values of what the argument does not set, by name.
        """
        words = text.split(",")
        values: dict[str, Any] = {}
        while len(words) > 1 and (name := words[-1].partition("=")[0]) in cls.__slots__ and "=" in words[-1]:
            values.setdefault(name, _value(name, words.pop().partition("=")[2]))
        return replace(cls(",".join(words)), **{**(default or {}), **values})


def _value(name: str, text: str) -> Any:
    if name in ("source", "codec"):
        return text
    if name == "mode":
        return permissions(text)
    if name != "ring":
        return scaled(text)
    try:
        return ring_name(text)
    except ValueError as error:
        raise ChannelError(str(error)) from None
