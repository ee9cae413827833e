# SPDX-License-Identifier: Apache-2.0
"""Audio in a ring: what the metadata of an audio frame means."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, TypedDict

    class AudioMeta(TypedDict):
        """The arguments of Producer.write() and Reservation.commit() that describe audio."""

        keyframe: bool
        width: int
        height: int
        fps: int

else:
    from ._named_tuple import NamedTuple


# Sample rates in Hz, by their number in enum video_shm_sample_rate.
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


class AudioFormat(NamedTuple):
    """The format of one audio frame.

    Attributes:
        sample_rate: samples per second, or 0 if the writer does not say.
        channels: number of channels.
        samples: number of samples of each channel in the frame.
    """

    sample_rate: int
    channels: int
    samples: int

    @property
    def seconds(self) -> float:
        """Duration of the frame in seconds, or 0.0 if the sample rate is not known."""
        return self.samples / self.sample_rate if self.sample_rate else 0.0

    def meta(self) -> AudioMeta:
        """Return arguments for a producer: ``ring.write(data, codec=Codec.OPUS, **AudioFormat(48000, 2, 960).meta())``.

        Raises ValueError if a ring has no number for the sample rate.
        """
        if self.sample_rate not in _CODES:
            raise ValueError(f"sample_rate={self.sample_rate}: must be one of {', '.join(map(str, _CODES))}")
        return {"keyframe": True, "width": self.samples, "height": self.channels, "fps": _CODES[self.sample_rate]}


def audio_format(codec: int, width: int, height: int, fps: int) -> AudioFormat | None:
    """Return the audio format that a frame's metadata describes, or None if the frame is not audio."""
    return AudioFormat(SAMPLE_RATES.get(fps, 0), height, width) if codec in _AUDIO_CODECS else None
