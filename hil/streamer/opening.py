# SPDX-License-Identifier: Apache-2.0
"""Opens what pictures and sound come from, at once or as soon as it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vshm_ctypes.commandline.ending import End

from .ledger import Ledger
from .log import LOG
from .sources.source import Source, SourceError
from .sources.timeline import Timelines

if TYPE_CHECKING:  # loaded only where there is sound
    from .sound.lane import SoundLane
    from .sound.options import Sound

WAIT_EVERY_S = 0.5
START_ATTEMPTS = 5


def open_when_there(source: Source, wait: bool, over: End) -> bool:
    """Open the source; with wait, as soon as it is there. Returns False if the end came first. Raises SourceError.

    A camera that is there but does not start is tried several times.
    """
    told, attempts = "", 0
    while not over.is_set():
        try:
            source.open()
            return True
        except SourceError as error:
            attempts += error.kind == "streamon"
            if not wait and not (error.kind == "streamon" and attempts < START_ATTEMPTS):
                raise
            why = str(error.strerror or error)
            if told != why:
                LOG.warning("%s; tried again", why)
                told = why
            over.wait(WAIT_EVERY_S)
    return False


def open_sound(
    sound: Sound, loop: bool, timelines: Timelines, ledger: Ledger | None, wait: bool, over: End
) -> SoundLane:
    """Open the source of sound and its ring. Raises SourceError, EncoderError or VideoShmError.

    wait: pictures do not wait for a microphone that is absent; it is opened once it is there.
    """
    from .sound.factory import make_sound_source
    from .sound.lane import SoundLane

    source = make_sound_source(sound, loop, timelines)
    if not (wait and source.live):
        open_when_there(source, False, over)
    try:
        lane = SoundLane(sound, source, ledger)
    except Exception:
        source.close()
        raise
    LOG.info("%s: %s of %d Hz from %s", sound.ring, sound.codec, sound.rate, source.name)
    return lane
