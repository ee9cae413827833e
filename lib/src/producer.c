/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forks.h"
#include "inspect.h"
#include "options.h"
#include "probes.h"
#include "shared.h"
#include "writer.h"

#define MAGIC UINT64_C(0x7265636564657276) /* the handle is open */
#define NS_PER_MS 1000000u

/* What the caller's handle holds; the rest is on the heap, for fork's sake. */
struct handle {
	uint64_t magic;
	struct writer *writer;
};

static_assert(sizeof(struct handle) <= sizeof(video_shm_producer_t), "the handle has room");

static struct writer *writer_of(video_shm_producer_t *producer)
{
	struct handle handle;

	if (producer == NULL) {
		errno = EINVAL;
		return NULL;
	}
	memcpy(&handle, producer, sizeof(handle));
	if (handle.magic != MAGIC) {
		errno = EBADF;
		return NULL;
	}
	if (handle.writer->state == WRITER_FORKED) {
		errno = EOWNERDEAD;
		return NULL;
	}
	return handle.writer;
}

/* ---- coming and going ---- */

int video_shm_producer_open(video_shm_producer_t *producer, const video_shm_producer_options_t *given)
{
	video_shm_producer_options_t options;
	struct geometry geometry;
	struct writer *writer;
	int error;

	if (producer == NULL) {
		errno = EINVAL;
		return -1;
	}
	memset(producer, 0, sizeof(*producer));
	if (options_copy(&options, sizeof(options), given, given != NULL ? given->struct_size : 0) != 0)
		return -1;
	if (options.mode > 0777 || options.reserved != 0 ||
		geometry_plan(&geometry, options.slots != 0 ? options.slots : VIDEO_SHM_RING_SIZE,
					  options.slot_size != 0 ? options.slot_size : VIDEO_SHM_MAX_FRAME_SIZE,
					  options.media) != 0) {
		errno = EINVAL;
		return -1;
	}
	writer = calloc(1, sizeof(*writer));
	if (writer == NULL)
		return -1;
	writer->hold_fd = -1;
	writer->ops = &wait_system;
	writer->slot_size = geometry.slot_size;
	writer->mode = options.mode != 0 ? (mode_t)options.mode : 0660;
	writer->group = segment_video_group();
	atomic_flag_clear(&writer->busy);
	if (segment_path(writer->path, options.name != NULL ? options.name : VIDEO_SHM_NAME) != 0)
		goto free_writer;
	forks_block();
	if (writer_open(writer, &geometry) != 0) {
		forks_unblock();
		goto free_writer;
	}
	forks_add(writer);
	forks_unblock();
	memcpy(producer, &(struct handle){MAGIC, writer}, sizeof(struct handle));
	return 0;
free_writer:
	error = errno;
	free(writer);
	errno = error;
	return -1;
}

int video_shm_producer_init(video_shm_producer_t *producer)
{
	return video_shm_producer_open(producer, NULL);
}

int video_shm_producer_init_channel(video_shm_producer_t *producer, int channel)
{
	char name[OPTIONS_CHANNEL_NAME_MAX];
	const video_shm_producer_options_t options = {.struct_size = sizeof(options), .name = name};

	if (producer != NULL)
		memset(producer, 0, sizeof(*producer));
	if (options_channel_name(name, channel) != 0)
		return -1;
	return video_shm_producer_open(producer, &options);
}

void video_shm_producer_destroy(video_shm_producer_t *producer)
{
	struct handle handle;

	if (producer == NULL)
		return;
	memcpy(&handle, producer, sizeof(handle));
	memset(producer, 0, sizeof(*producer));
	if (handle.magic != MAGIC)
		return;
	forks_block();
	forks_remove(handle.writer);
	if (atomic_load(&handle.writer->reserved) && handle.writer->state != WRITER_FORKED)
		ring_cancel(&handle.writer->ring, &handle.writer->counts);
	writer_close(handle.writer);
	forks_unblock();
	free(handle.writer);
}

/* ---- writing ---- */

static void count_drop(struct writer *writer, enum writer_drop cause)
{
	(void)atomic_fetch_add_explicit(&writer->dropped[cause], 1, memory_order_relaxed);
}

/* From time to time: is the ring still the one that its name leads to? 0, or -1 with errno. */
static int look_at_name(struct writer *writer, uint64_t now_ns)
{
	if (now_ns >= writer->next_look_ns && writer->state != WRITER_STALE && forks_try_block()) {
		writer_look(writer, now_ns);
		forks_unblock();
	}
	if (writer->state == WRITER_LIVE)
		return 0;
	errno = writer->state == WRITER_STALE ? ESTALE : ENOSPC;
	return -1;
}

/* Takes the next slot; busy is held until finish. NULL: EBUSY (counted as a drop), ESTALE, ENOSPC (counted).
 */
static uint8_t *begin(struct writer *writer)
{
	const uint64_t now_ns = writer->ops->now();

	if (atomic_flag_test_and_set_explicit(&writer->busy, memory_order_acquire)) {
		count_drop(writer, WRITER_DROP_BUSY);
		errno = EBUSY;
		return NULL;
	}
	if (look_at_name(writer, now_ns) == 0) {
		if (semaphores_try(&writer->semaphores, now_ns)) {
			crash_point();
			return ring_begin(&writer->ring, &writer->counts);
		}
		count_drop(writer, WRITER_DROP_BUSY);
		errno = EBUSY;
	} else if (errno == ENOSPC) {
		count_drop(writer, WRITER_DROP_NO_SPACE);
	}
	const int error = errno;

	writer_publish_drops(writer);
	atomic_flag_clear_explicit(&writer->busy, memory_order_release);
	errno = error;
	return NULL;
}

static void finish(struct writer *writer)
{
	writer_publish_drops(writer);
	semaphores_release(&writer->semaphores);
	crash_point();
}

static void publish(struct writer *writer, uint32_t size, const video_frame_meta_t *meta,
					const video_frame_timing_t *timing)
{
	const uint64_t now_ns = writer->ops->now();
	const bool dated = timing != NULL && timing->capture_ns != 0;
	const struct ring_stamp stamp = {
		.flags = timing != NULL ? timing->flags : 0,
		.capture_ns = dated ? timing->capture_ns : now_ns,
		.publish_ns = now_ns,
	};
	video_frame_meta_t complete = *meta;
	uint32_t bits = LAYOUT_WAKE_FRAME;

	complete.size = size;
	if (complete.timestamp_ms == 0)
		complete.timestamp_ms = wait_wall_clock() / NS_PER_MS;
	if (ring_is_keyframe(meta))
		bits |= LAYOUT_WAKE_KEYFRAME;
	ring_publish(&writer->ring, &writer->counts, &complete, &stamp);
	PROBE_WRITE(writer->counts.frames - 1, size);
	finish(writer);
	writer_wake(writer, bits);
	PROBE_WAKE(writer->counts.frames - 1, bits);
	atomic_flag_clear_explicit(&writer->busy, memory_order_release);
}

static bool timing_is_sound(const video_frame_timing_t *timing)
{
	const uint32_t known =
		VIDEO_SHM_FLAG_DISCONTINUITY | VIDEO_SHM_FLAG_CORRUPT | VIDEO_SHM_FLAG_CAPTURE_DRIVER;

	return timing == NULL || ((timing->flags & ~known) == 0 && timing->reserved == 0);
}

int video_shm_producer_write(video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
							 const video_frame_meta_t *meta)
{
	struct writer *writer = writer_of(producer);
	uint8_t *payload;

	if (writer == NULL)
		return -1;
	if (data == NULL || meta == NULL || size == 0) {
		errno = EINVAL;
		return -1;
	}
	if (size > writer->slot_size) {
		count_drop(writer, WRITER_DROP_TOO_LARGE);
		if (!atomic_flag_test_and_set_explicit(&writer->busy, memory_order_acquire)) {
			writer_publish_drops(writer);
			atomic_flag_clear_explicit(&writer->busy, memory_order_release);
		}
		errno = EMSGSIZE;
		return -1;
	}
	payload = begin(writer);
	if (payload == NULL)
		return errno == EBUSY ? 1 : -1;
	shared_copy_in(payload, data, size);
	publish(writer, size, meta, NULL);
	return 0;
}

int video_shm_producer_reserve(video_shm_producer_t *producer, uint8_t **data, uint32_t *capacity)
{
	struct writer *writer = writer_of(producer);
	uint8_t *payload;

	if (writer == NULL)
		return -1;
	if (data == NULL || capacity == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (atomic_load(&writer->reserved)) { /* nothing is lost yet, so nothing is counted */
		errno = EBUSY;
		return -1;
	}
	payload = begin(writer);
	if (payload == NULL)
		return -1;
	*data = payload;
	*capacity = writer->slot_size;
	atomic_store(&writer->reserved, true);
	return 0;
}

int video_shm_producer_commit(video_shm_producer_t *producer, uint32_t size, const video_frame_meta_t *meta,
							  const video_frame_timing_t *timing)
{
	struct writer *writer = writer_of(producer);

	if (writer == NULL)
		return -1;
	if (size == 0 || meta == NULL || !timing_is_sound(timing) || !atomic_load(&writer->reserved)) {
		errno = EINVAL;
		return -1;
	}
	if (size > writer->slot_size) {
		errno = EMSGSIZE;
		return -1;
	}
	/* Whoever resets it publishes: two threads that commit the same reservation do not both. */
	if (!atomic_exchange(&writer->reserved, false)) {
		errno = EINVAL;
		return -1;
	}
	publish(writer, size, meta, timing);
	return 0;
}

void video_shm_producer_abort(video_shm_producer_t *producer)
{
	struct writer *writer = writer_of(producer);

	if (writer == NULL || !atomic_exchange(&writer->reserved, false))
		return;
	ring_cancel(&writer->ring, &writer->counts);
	finish(writer);
	atomic_flag_clear_explicit(&writer->busy, memory_order_release);
}

int video_shm_producer_info(video_shm_producer_t *producer, video_shm_info_t *info)
{
	struct writer *writer = writer_of(producer);
	video_shm_info_t all;

	if (writer == NULL)
		return -1;
	if (info == NULL || info->struct_size == 0) {
		errno = EINVAL;
		return -1;
	}
	forks_block(); /* the ring is not made anew meanwhile */
	inspect_ring(&all, &writer->ring.geometry, writer->ring.header, writer->ring.extension);
	inspect_identity(&all, &writer->identity);
	forks_unblock();
	/* A drop is in the ring from the next frame on, and here at once. */
	all.dropped_busy = atomic_load(&writer->dropped[WRITER_DROP_BUSY]);
	all.dropped_too_large = atomic_load(&writer->dropped[WRITER_DROP_TOO_LARGE]);
	all.dropped_no_space = atomic_load(&writer->dropped[WRITER_DROP_NO_SPACE]);
	all.dropped = all.dropped_busy + all.dropped_too_large + all.dropped_no_space;
	return options_fill(info, info->struct_size, &all, sizeof(all));
}
