/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes in shared memory, as described in FORMAT.md. Nothing here may move. */
#ifndef VSHM_LAYOUT_H
#define VSHM_LAYOUT_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "video_shm.h"

#define LAYOUT_VERSION_OTHER 2             /* header.version of any other geometry than version 1's */
#define LAYOUT_UNIT 64                     /* header.extension counts in these */
#define LAYOUT_EXTENSION_MAGIC 0x31585356u /* "VSX1" */
#define LAYOUT_V1_STRIDE (32u + VIDEO_SHM_MAX_FRAME_SIZE)
#define LAYOUT_V1_SIZE (64u + VIDEO_SHM_RING_SIZE * LAYOUT_V1_STRIDE)
#define LAYOUT_MAX_SLOTS 4096u
#define LAYOUT_MAX_SLOT_SIZE (256u << 20)

#define LAYOUT_RAW_FIRST 32u /* codecs of raw pictures */
#define LAYOUT_RAW_LAST 63u

#define LAYOUT_NO_FRAME UINT64_MAX /* line.frame of a slot that holds nothing */
#define LAYOUT_EMPTY_STAMP 1u      /* line.stamp of an emptied slot: odd, as while it is written */

#define LAYOUT_WAKE_FRAME 1u    /* futex bits: a frame was published */
#define LAYOUT_WAKE_KEYFRAME 2u /* it is a keyframe */
#define LAYOUT_WAKE_STATE 4u    /* closed, or a new epoch */
#define LAYOUT_WAKE_ALL UINT32_MAX
#define LAYOUT_WAKE_OWN_FIRST 8u /* this bit and all above it: a process wakes its own readers */

/* The header of version 1, byte for byte. */
struct layout_header {
	_Atomic uint32_t magic;
	_Atomic uint32_t version;
	_Atomic uint32_t write_idx; /* low 32 bits of the number of the next frame; modulo the slots its slot */
	_Atomic uint32_t read_idx;  /* a hint of version 1 readers; never read here */
	_Atomic uint32_t frame_count;
	_Atomic uint32_t dropped_frames;
	_Atomic uint32_t active_readers; /* version 1 readers count themselves here; not to be trusted */
	_Atomic uint32_t extension;      /* offset of the extension in units of 64 bytes; 0: plain version 1 */
	uint32_t reserved[8];
};

/* Follows the slots. Only the writer changes it; each group of fields has a cache line of its own. */
struct layout_extension {
	/* never changes */
	_Atomic uint32_t magic;
	uint32_t size; /* bytes from here to the first line */
	uint32_t slots;
	uint32_t slot_size;   /* bytes of payload in a slot */
	uint64_t slot_offset; /* of the first slot's metadata, from the beginning of the object */
	uint64_t slot_stride;
	uint64_t line_offset; /* of the first slot's line */
	uint64_t object_size;
	uint64_t first_frame; /* number of the first frame that this object ever held */
	uint32_t media;
	uint32_t reserved0;

	/* changes when a writer comes or goes */
	_Atomic uint32_t epoch;
	_Atomic uint32_t state; /* enum video_shm_state: live or closed */
	_Atomic uint32_t writer_pid;
	_Atomic uint32_t v1_signals;
	_Atomic uint64_t writer_start;  /* field 22 of /proc/PID/stat */
	_Atomic uint64_t writer_pid_ns; /* inode of /proc/PID/ns/pid */
	_Atomic int64_t realtime_offset_ns;
	_Atomic uint64_t remade;
	_Atomic uint64_t rearmed;
	uint64_t reserved1;

	/* changes with every frame */
	_Atomic uint64_t frames;
	_Atomic uint64_t keyframes;
	_Atomic uint64_t bytes;
	_Atomic uint32_t signal; /* the futex word, raised by one at every event */
	uint32_t reserved2[9];

	/* what changes with every drop */
	_Atomic uint64_t dropped_busy;
	_Atomic uint64_t dropped_too_large;
	_Atomic uint64_t dropped_no_space;
	uint64_t reserved3[5];
};

/* One for each slot, after the extension. */
struct layout_line {
	_Atomic uint32_t stamp; /* odd: being written, or empty; 2 * (frame + 1): whole */
	_Atomic uint32_t flags;
	_Atomic uint64_t frame;
	_Atomic uint64_t capture_ns;
	_Atomic uint64_t publish_ns;
	_Atomic uint64_t keyframes; /* keyframes up to and including this frame, all epochs */
	uint64_t reserved[3];
};

static_assert(sizeof(video_frame_meta_t) == 32, "version 1");
static_assert(offsetof(video_frame_meta_t, timestamp_ms) == 0, "version 1");
static_assert(offsetof(video_frame_meta_t, size) == 8, "version 1");
static_assert(offsetof(video_frame_meta_t, sequence) == 12, "version 1");
static_assert(offsetof(video_frame_meta_t, is_keyframe) == 16, "version 1");
static_assert(offsetof(video_frame_meta_t, codec) == 17, "version 1");
static_assert(offsetof(video_frame_meta_t, width) == 18, "version 1");
static_assert(offsetof(video_frame_meta_t, height) == 20, "version 1");
static_assert(offsetof(video_frame_meta_t, fps) == 22, "version 1");
static_assert(offsetof(video_frame_meta_t, reserved) == 23,
			  "version 1: padded to 32 bytes behind 5 reserved ones");

static_assert(sizeof(struct layout_header) == 64, "version 1");
static_assert(offsetof(struct layout_header, version) == 4, "version 1");
static_assert(offsetof(struct layout_header, write_idx) == 8, "version 1");
static_assert(offsetof(struct layout_header, read_idx) == 12, "version 1");
static_assert(offsetof(struct layout_header, frame_count) == 16, "version 1");
static_assert(offsetof(struct layout_header, dropped_frames) == 20, "version 1");
static_assert(offsetof(struct layout_header, active_readers) == 24, "version 1");
static_assert(offsetof(struct layout_header, extension) == 28, "version 1: the first reserved word");
static_assert(LAYOUT_V1_SIZE == 15729664, "version 1");
static_assert(LAYOUT_V1_SIZE % LAYOUT_UNIT == 0, "the extension begins right behind version 1");

static_assert(sizeof(struct layout_extension) == 256, "four cache lines");
static_assert(offsetof(struct layout_extension, slots) == 8, "format");
static_assert(offsetof(struct layout_extension, slot_offset) == 16, "format");
static_assert(offsetof(struct layout_extension, first_frame) == 48, "format");
static_assert(offsetof(struct layout_extension, media) == 56, "format");
static_assert(offsetof(struct layout_extension, epoch) == 64, "a cache line of its own");
static_assert(offsetof(struct layout_extension, writer_start) == 80, "format");
static_assert(offsetof(struct layout_extension, rearmed) == 112, "format");
static_assert(offsetof(struct layout_extension, frames) == 128, "a cache line of its own");
static_assert(offsetof(struct layout_extension, signal) == 152, "format");
static_assert(offsetof(struct layout_extension, dropped_busy) == 192, "a cache line of its own");

static_assert(sizeof(struct layout_line) == 64, "a cache line of its own");
static_assert(offsetof(struct layout_line, frame) == 8, "format");
static_assert(offsetof(struct layout_line, keyframes) == 32, "format");

static_assert(sizeof(_Atomic uint32_t) == 4 && sizeof(_Atomic uint64_t) == 8, "atomics add no bytes");
static_assert(ATOMIC_INT_LOCK_FREE == 2, "the object is shared between processes");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2,
			  "build for a processor with 64-bit atomics (32-bit ARM: -march=armv6k up)");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian");

static inline bool layout_is_raw(const video_frame_meta_t *meta)
{
	return meta->codec >= LAYOUT_RAW_FIRST && meta->codec <= LAYOUT_RAW_LAST;
}

/* Returns the stamp of a whole frame; never odd. */
static inline uint32_t layout_stamp(uint64_t frame)
{
	return (uint32_t)(2u * ((uint32_t)frame + 1u));
}

#endif
