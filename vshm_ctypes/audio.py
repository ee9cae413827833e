# SPDX-License-Identifier: Apache-2.0
"""Sound in a ring: what a frame's metadata means there."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

# By enum video_shm_sample_rate, in Hz.
SAMPLE_RATES = {
    1: 8000,
    2: 11025,
    3: 12000,
    4: 16000,
    5: 22050,
    6: 24000,
    7: 32000,
    8: 44100,
    9: 48000,
    10: 64000,
    11: 88200,
    12: 96000,
    13: 176400,
    14: 192000,
}
_CODES = {rate: code for code, rate in SAMPLE_RATES.items()}
_AUDIO_CODECS = range(64, 128)


class AudioMeta(TypedDict):
    """Keywords of Producer.write() and Reservation.commit() that say what sound it is."""

    keyframe: bool
    width: int
    height: int
    fps: int


class AudioFormat(NamedTuple):
    """What one frame of sound is.

    sample_rate: Hz; 0: the writer does not tell. channels. samples: of each channel in this frame.
    """

    sample_rate: int
    channels: int
    samples: int

    @property
    def seconds(self) -> float:
        """How long the frame sounds; 0.0 where the sample rate is not known."""
        return self.samples / self.sample_rate if self.sample_rate else 0.0

    def meta(self) -> AudioMeta:
        """For a producer: ``ring.write(data, codec=Codec.OPUS, **AudioFormat(48000, 2, 960).meta())``.

        Raises ValueError: a sample rate that the format has no number for.
        """
        if self.sample_rate not in _CODES:
            raise ValueError(f"sample_rate={self.sample_rate}: one of {', '.join(map(str, _CODES))}")
        return {"keyframe": True, "width": self.samples, "height": self.channels, "fps": _CODES[self.sample_rate]}


def audio_format(codec: int, width: int, height: int, fps: int) -> AudioFormat | None:
    """From a frame's metadata; None: it is no sound."""
    return AudioFormat(SAMPLE_RATES.get(fps, 0), height, width) if codec in _AUDIO_CODECS else None
