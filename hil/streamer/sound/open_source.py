# SPDX-License-Identifier: Apache-2.0
"""From the words of --audio to a source."""

from __future__ import annotations

from ..sources.source import Source
from .alsa import AlsaSource
from .file import SoundFile
from .options import Sound
from .testaudio import TestAudio


def make_sound_source(sound: Sound, loop: bool = False) -> Source:
    """The source that the words name, not opened yet."""
    if sound.source == "testaudio":
        return TestAudio(sound.rate)
    if sound.source.startswith("file:"):
        return SoundFile(sound.source.removeprefix("file:"), loop)
    return AlsaSource(sound.source.removeprefix("alsa:"), sound.rate, sound.channels)
