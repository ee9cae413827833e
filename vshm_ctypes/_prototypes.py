# SPDX-License-Identifier: Apache-2.0
"""The calls of video_shm.h as a table: name, first version, result, arguments, and how a failure is recognised."""

from __future__ import annotations

import errno
from collections.abc import Callable
from ctypes import CDLL, CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_uint8, c_uint32, c_uint64, c_void_p, get_errno

from ._structs import (
    ConsumerHandle,
    ConsumerOptions,
    Info,
    Meta,
    Picture,
    ProducerHandle,
    ProducerOptions,
    Slot,
    Timing,
    View,
)
from .errors import LibraryError, error_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple, NoReturn
else:
    from ._named_tuple import NamedTuple

BASELINE = (1, 0)  # a library that lacks a call of this version is refused at import

_producer = POINTER(ProducerHandle)
_consumer = POINTER(ConsumerHandle)
_data = POINTER(c_uint8)
LogCallback = CFUNCTYPE(None, c_int, c_char_p, c_void_p)


def _raise_on_minus_one(result: int, _function: object, _arguments: object) -> int:
    if result == -1:
        raise error_for(get_errno())
    return result


Check = Callable[[int, object, object], int]


class Prototype(NamedTuple):
    """One declaration of the header. check turns -1 into an exception; it is None for a call that never fails."""

    name: str
    since: tuple[int, int]
    result: Any
    arguments: tuple[Any, ...]
    check: Check | None = None


PROTOTYPES = (
    # int video_shm_producer_init(video_shm_producer_t *producer);
    Prototype("video_shm_producer_init", (1, 0), c_int, (_producer,), _raise_on_minus_one),
    # int video_shm_producer_init_channel(video_shm_producer_t *producer, int channel);
    Prototype("video_shm_producer_init_channel", (1, 0), c_int, (_producer, c_int), _raise_on_minus_one),
    # int video_shm_producer_open(video_shm_producer_t *producer, const video_shm_producer_options_t *options);
    Prototype("video_shm_producer_open", (1, 0), c_int, (_producer, POINTER(ProducerOptions)), _raise_on_minus_one),
    # int video_shm_producer_write(video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
    #                              const video_frame_meta_t *meta);
    Prototype(
        "video_shm_producer_write", (1, 0), c_int, (_producer, c_void_p, c_uint32, POINTER(Meta)), _raise_on_minus_one
    ),
    # int video_shm_producer_write_timed(video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
    #                                    const video_frame_meta_t *meta, const video_frame_timing_t *timing);
    Prototype(
        "video_shm_producer_write_timed",
        (1, 1),
        c_int,
        (_producer, c_void_p, c_uint32, POINTER(Meta), POINTER(Timing)),
        _raise_on_minus_one,
    ),
    # int video_shm_producer_reserve(video_shm_producer_t *producer, uint8_t **data, uint32_t *capacity);
    Prototype(
        "video_shm_producer_reserve",
        (1, 0),
        c_int,
        (_producer, POINTER(_data), POINTER(c_uint32)),
        _raise_on_minus_one,
    ),
    # int video_shm_producer_commit(video_shm_producer_t *producer, uint32_t size, const video_frame_meta_t *meta,
    #                               const video_frame_timing_t *timing);
    Prototype(
        "video_shm_producer_commit",
        (1, 0),
        c_int,
        (_producer, c_uint32, POINTER(Meta), POINTER(Timing)),
        _raise_on_minus_one,
    ),
    # void video_shm_producer_abort(video_shm_producer_t *producer);
    Prototype("video_shm_producer_abort", (1, 0), None, (_producer,)),
    # int video_shm_producer_descriptor(const video_shm_producer_t *producer, uint64_t *offset);
    Prototype("video_shm_producer_descriptor", (1, 1), c_int, (_producer, POINTER(c_uint64)), _raise_on_minus_one),
    # int video_shm_producer_info(video_shm_producer_t *producer, video_shm_info_t *info);
    Prototype("video_shm_producer_info", (1, 0), c_int, (_producer, POINTER(Info)), _raise_on_minus_one),
    # void video_shm_producer_destroy(video_shm_producer_t *producer);
    Prototype("video_shm_producer_destroy", (1, 0), None, (_producer,)),
    # int video_shm_consumer_init(video_shm_consumer_t *consumer);
    Prototype("video_shm_consumer_init", (1, 0), c_int, (_consumer,), _raise_on_minus_one),
    # int video_shm_consumer_init_channel(video_shm_consumer_t *consumer, int channel);
    Prototype("video_shm_consumer_init_channel", (1, 0), c_int, (_consumer, c_int), _raise_on_minus_one),
    # int video_shm_consumer_open(video_shm_consumer_t *consumer, const video_shm_consumer_options_t *options);
    Prototype("video_shm_consumer_open", (1, 0), c_int, (_consumer, POINTER(ConsumerOptions)), _raise_on_minus_one),
    # int video_shm_consumer_read(video_shm_consumer_t *consumer, uint8_t *data, video_frame_meta_t *meta);
    Prototype("video_shm_consumer_read", (1, 0), c_int, (_consumer, c_void_p, POINTER(Meta)), _raise_on_minus_one),
    # int video_shm_consumer_wait(video_shm_consumer_t *consumer, uint8_t *data, video_frame_meta_t *meta,
    #                             uint32_t timeout_ms);
    Prototype(
        "video_shm_consumer_wait",
        (1, 0),
        c_int,
        (_consumer, c_void_p, POINTER(Meta), c_uint32),
        _raise_on_minus_one,
    ),
    # int video_shm_consumer_receive(video_shm_consumer_t *consumer, uint8_t *data, uint32_t capacity,
    #                                video_frame_meta_t *meta, uint32_t timeout_ms);
    Prototype(
        "video_shm_consumer_receive",
        (1, 0),
        c_int,
        (_consumer, c_void_p, c_uint32, POINTER(Meta), c_uint32),
        _raise_on_minus_one,
    ),
    # int video_shm_consumer_acquire(video_shm_consumer_t *consumer, video_shm_view_t *view, uint32_t timeout_ms);
    Prototype("video_shm_consumer_acquire", (1, 0), c_int, (_consumer, POINTER(View), c_uint32), _raise_on_minus_one),
    # int video_shm_consumer_release(video_shm_consumer_t *consumer, video_shm_view_t *view);
    Prototype("video_shm_consumer_release", (1, 0), c_int, (_consumer, POINTER(View)), _raise_on_minus_one),
    # int video_shm_consumer_wait_any(video_shm_consumer_t *const *consumers, uint32_t count, uint32_t timeout_ms,
    #                                 uint32_t *index);
    Prototype(
        "video_shm_consumer_wait_any",
        (1, 1),
        c_int,
        (POINTER(_consumer), c_uint32, c_uint32, POINTER(c_uint32)),
        _raise_on_minus_one,
    ),
    # void video_shm_consumer_interrupt(video_shm_consumer_t *consumer);
    Prototype("video_shm_consumer_interrupt", (1, 0), None, (_consumer,)),
    # int video_shm_consumer_stats(video_shm_consumer_t *consumer, uint32_t *total_frames,
    #                              uint32_t *dropped_frames, uint32_t *missed_frames);
    Prototype(
        "video_shm_consumer_stats",
        (1, 0),
        c_int,
        (_consumer, POINTER(c_uint32), POINTER(c_uint32), POINTER(c_uint32)),
        _raise_on_minus_one,
    ),
    # int video_shm_consumer_info(video_shm_consumer_t *consumer, video_shm_info_t *info);
    Prototype("video_shm_consumer_info", (1, 0), c_int, (_consumer, POINTER(Info)), _raise_on_minus_one),
    # int video_shm_consumer_descriptor(const video_shm_consumer_t *consumer);
    Prototype("video_shm_consumer_descriptor", (1, 0), c_int, (_consumer,), _raise_on_minus_one),
    # void video_shm_consumer_destroy(video_shm_consumer_t *consumer);
    Prototype("video_shm_consumer_destroy", (1, 0), None, (_consumer,)),
    # int video_shm_inspect(const char *name, video_shm_info_t *info);
    Prototype("video_shm_inspect", (1, 0), c_int, (c_char_p, POINTER(Info)), _raise_on_minus_one),
    # int video_shm_inspect_slots(const char *name, video_shm_slot_t *slots, uint32_t capacity);
    Prototype("video_shm_inspect_slots", (1, 0), c_int, (c_char_p, POINTER(Slot), c_uint32), _raise_on_minus_one),
    # int video_shm_picture_layout(const video_frame_meta_t *meta, video_shm_picture_t *picture);
    Prototype("video_shm_picture_layout", (1, 1), c_int, (POINTER(Meta), POINTER(Picture)), _raise_on_minus_one),
    # int video_shm_picture_describe(video_frame_meta_t *meta, const video_shm_picture_t *picture);
    Prototype("video_shm_picture_describe", (1, 1), c_int, (POINTER(Meta), POINTER(Picture)), _raise_on_minus_one),
    # const char *video_shm_version(void);
    Prototype("video_shm_version", (1, 0), c_char_p, ()),
    # int64_t video_shm_layout(const char *name);
    Prototype("video_shm_layout", (1, 0), c_int64, (c_char_p,)),
    # void video_shm_set_log(video_shm_log_t callback, void *context);
    Prototype("video_shm_set_log", (1, 0), None, (LogCallback, c_void_p)),
)


def _absent(prototype: Prototype, path: str) -> Callable[..., NoReturn]:
    def call(*_arguments: object) -> NoReturn:
        since = ".".join(map(str, prototype.since))
        raise LibraryError(errno.ENOSYS, path, f"{path} has no {prototype.name}: it needs version {since}")

    return call


def declare(library: CDLL, path: str) -> None:
    """Apply the table to a loaded library. Raises LibraryError if a call of the BASELINE version is missing."""
    for prototype in PROTOTYPES:
        try:
            function = getattr(library, prototype.name)
        except AttributeError:
            missing = _absent(prototype, path)
            if prototype.since <= BASELINE:
                missing()
            setattr(library, prototype.name, missing)
            continue
        function.restype = prototype.result
        function.argtypes = prototype.arguments
        if prototype.check is not None:
            function.errcheck = prototype.check
