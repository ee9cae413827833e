# SPDX-License-Identifier: Apache-2.0
"""Creates the source of sound that --audio names."""

from __future__ import annotations

from vshm_ctypes.commandline.extras import remedy

from ..sources.healing import HealingSource
from ..sources.source import Source, SourceError
from ..sources.timeline import Timelines
from .alsa import AlsaSource
from .file import SoundFile
from .options import Sound


def make_sound_source(sound: Sound, loop: bool, timelines: Timelines) -> Source:
    """Return the source that is named, not opened yet. Raises SourceError.

    timelines: shared between pictures and sound of the same file.
    """
    if sound.source == "testaudio":
        try:
            from .testaudio import TestAudio  # it draws with numpy
        except ModuleNotFoundError as error:
            raise SourceError(0, f"testaudio: {remedy(error) or error}") from None
        return HealingSource(TestAudio(sound.rate))
    if sound.source.startswith("file:"):
        path = sound.source.removeprefix("file:")
        file = SoundFile(path, loop, timelines.of(path))
        return HealingSource(file) if loop else file
    return HealingSource(AlsaSource(sound.source.removeprefix("alsa:"), sound.rate, sound.channels))
