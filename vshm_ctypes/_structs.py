# SPDX-License-Identifier: Apache-2.0
"""The types of video_shm.h as ctypes structures. A test compares them with the header and with the library."""

from __future__ import annotations

from ctypes import (
    Structure,
    c_char_p,
    c_int64,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
    sizeof,
)


class Sized(Structure):
    """A struct that begins with its own size, so that a caller and a library of different versions work together."""

    _fields_ = [("struct_size", c_uint32)]

    def __init__(self, **fields: object) -> None:
        super().__init__(struct_size=sizeof(type(self)), **fields)


class Meta(Structure):
    """video_frame_meta_t"""

    _fields_ = [
        ("timestamp_ms", c_uint64),
        ("size", c_uint32),
        ("sequence", c_uint32),
        ("is_keyframe", c_uint8),
        ("codec", c_uint8),
        ("width", c_uint16),
        ("height", c_uint16),
        ("fps", c_uint8),
        ("reserved", c_uint8 * 5),
    ]


class ProducerHandle(Structure):
    """video_shm_producer_t"""

    _fields_ = [("opaque", c_uint64 * 16)]


class ConsumerHandle(Structure):
    """video_shm_consumer_t"""

    _fields_ = [("opaque", c_uint64 * 128)]


class ProducerOptions(Sized):
    """video_shm_producer_options_t"""

    _fields_ = [
        ("slots", c_uint32),
        ("slot_size", c_uint32),
        ("mode", c_uint32),
        ("media", c_uint32),
        ("reserved", c_uint32),
        ("name", c_char_p),
    ]


class ConsumerOptions(Sized):
    """video_shm_consumer_options_t"""

    _fields_ = [
        ("start", c_uint32),
        ("policy", c_uint32),
        ("resync", c_uint32),
        ("reconnect", c_uint32),
        ("max_slot_size", c_uint32),
        ("name", c_char_p),
    ]


class Timing(Structure):
    """video_frame_timing_t"""

    _fields_ = [("capture_ns", c_uint64), ("flags", c_uint32), ("reserved", c_uint32)]


class View(Sized):
    """video_shm_view_t"""

    _fields_ = [
        ("flags", c_uint32),
        ("data", c_void_p),
        ("offset", c_uint64),
        ("frame", c_uint64),
        ("capture_ns", c_uint64),
        ("publish_ns", c_uint64),
        ("missed_before", c_uint64),
        ("attachment", c_uint64),
        ("meta", Meta),
    ]


class Info(Sized):
    """video_shm_info_t"""

    _fields_ = [
        ("version", c_uint32),
        ("extended", c_uint32),
        ("state", c_uint32),
        ("media", c_uint32),
        ("slots", c_uint32),
        ("slot_size", c_uint32),
        ("epoch", c_uint32),
        ("object_bytes", c_uint64),
        ("inode", c_uint64),
        ("mode", c_uint32),
        ("uid", c_uint32),
        ("gid", c_uint32),
        ("writer_pid", c_uint32),
        ("writer_start", c_uint64),
        ("frames", c_uint64),
        ("keyframes", c_uint64),
        ("bytes", c_uint64),
        ("dropped", c_uint64),
        ("dropped_busy", c_uint64),
        ("dropped_too_large", c_uint64),
        ("dropped_no_space", c_uint64),
        ("remade", c_uint64),
        ("rearmed", c_uint64),
        ("realtime_offset_ns", c_int64),
        ("last_publish_ns", c_uint64),
        ("v1_readers", c_uint32),
        ("v1_signals", c_uint32),
        ("received", c_uint64),
        ("missed", c_uint64),
        ("skipped", c_uint64),
        ("span", c_uint64),
        ("next_frame", c_uint64),
        ("reattached", c_uint64),
        ("device", c_uint64),
    ]


class Slot(Sized):
    """video_shm_slot_t"""

    _fields_ = [
        ("whole", c_uint32),
        ("frame", c_uint64),
        ("capture_ns", c_uint64),
        ("publish_ns", c_uint64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("meta", Meta),
    ]


class Picture(Sized):
    """video_shm_picture_t"""

    _fields_ = [
        ("size", c_uint32),
        ("planes", c_uint32),
        ("offset", c_uint32 * 3),
        ("stride", c_uint32 * 3),
        ("rows", c_uint32 * 3),
        ("primaries", c_uint8),
        ("transfer", c_uint8),
        ("matrix", c_uint8),
        ("range", c_uint8),
    ]


# The C name of each struct, as in the header and for video_shm_layout.
C_NAMES: dict[type[Structure], str] = {
    Meta: "video_frame_meta_t",
    ProducerHandle: "video_shm_producer_t",
    ConsumerHandle: "video_shm_consumer_t",
    ProducerOptions: "video_shm_producer_options_t",
    ConsumerOptions: "video_shm_consumer_options_t",
    Timing: "video_frame_timing_t",
    View: "video_shm_view_t",
    Info: "video_shm_info_t",
    Slot: "video_shm_slot_t",
    Picture: "video_shm_picture_t",
}
