# SPDX-License-Identifier: Apache-2.0
"""Video frames in shared memory: one producer, any number of consumers, through libvideo_shm.

with Consumer(start="keyframe") as stream:
    for frame in stream:
        print(frame.sequence, frame.size, frame.is_keyframe)
"""

from . import _command  # noqa: F401 - first, so that a signal during the other imports ends a command quietly
from ._library import get_include, get_library, library
from .audio import AudioFormat
from .codec import Codec
from .consumer import Consumer
from .errors import (
    BrokenPicture,
    FrameOverwritten,
    FrameTooLarge,
    HandleClosed,
    IncompatibleRing,
    Interrupted,
    LibraryError,
    ProducerBusy,
    ProducerClosed,
    ProducerDied,
    ProducerNotRunning,
    RingFull,
    RingTaken,
    VideoShmError,
)
from .frame import Flag, Frame, FrameMeta, Media
from .info import RingInfo, State
from .inspect import SlotInfo, inspect, inspect_slots, list_rings
from .picture import Colour, PictureLayout, Plane, Range, picture_layout
from .rings import ring_name
from .views import BorrowedFrame, FrameInBuffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .consumers import Consumers
    from .log import log_to
    from .matching import Sync, SyncBooks, sync
    from .pictures.reader import Picture as Picture
    from .pictures.reader import PictureBooks as PictureBooks
    from .pictures.reader import Pictures as Pictures
    from .producer import Producer
    from .reservation import Reservation

__version__: str = library.video_shm_version().decode()

__all__ = [
    "AudioFormat",
    "BorrowedFrame",
    "BrokenPicture",
    "Codec",
    "Colour",
    "Consumer",
    "Consumers",
    "Flag",
    "Frame",
    "FrameInBuffer",
    "FrameMeta",
    "FrameOverwritten",
    "FrameTooLarge",
    "HandleClosed",
    "IncompatibleRing",
    "Interrupted",
    "LibraryError",
    "Media",
    "PictureLayout",
    "Plane",
    "Producer",
    "ProducerBusy",
    "ProducerClosed",
    "ProducerDied",
    "ProducerNotRunning",
    "Range",
    "Reservation",
    "RingFull",
    "RingInfo",
    "RingTaken",
    "SlotInfo",
    "State",
    "Sync",
    "SyncBooks",
    "VideoShmError",
    "get_include",
    "get_library",
    "inspect",
    "inspect_slots",
    "list_rings",
    "log_to",
    "picture_layout",
    "ring_name",
    "sync",
]
# With numpy and PyAV; from vshm_ctypes import *, and help(), are for programs that have neither, too.
_OF_PACKAGES = {"Picture", "PictureBooks", "Pictures"}


if not TYPE_CHECKING:  # type checkers would take it that any name can be imported

    def __getattr__(name: str) -> object:
        """Load what most readers do without at its first use, since they start on small boards."""
        if name in {"Producer", "Reservation"}:
            from . import producer

            return getattr(producer, name)
        if name == "Consumers":
            from . import consumers

            return consumers.Consumers
        if name == "log_to":
            from . import log

            return log.log_to
        if name in {"Sync", "SyncBooks", "sync"}:
            from . import matching

            return getattr(matching, name)
        if name in _OF_PACKAGES:
            from .pictures import reader

            return getattr(reader, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    from importlib.util import find_spec

    return sorted({*globals(), *__all__, *(_OF_PACKAGES if find_spec("numpy") else ())})
