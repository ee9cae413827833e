/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "consumer.h"
#include "hot.h"
#include "options.h"
#include "reader_figures.h"

static_assert(sizeof(struct consumer) <= sizeof(video_shm_consumer_t), "the handle has room");
static_assert(_Alignof(struct consumer) <= _Alignof(video_shm_consumer_t), "the handle is aligned");

HOT static struct consumer *consumer_of(const video_shm_consumer_t *handle)
{
	struct consumer *consumer = (struct consumer *)(uintptr_t)handle;

	if (consumer == NULL) {
		errno = EINVAL;
		return NULL;
	}
	if (atomic_load(&consumer->magic) != CONSUMER_MAGIC || atomic_load(&consumer->doomed) != 0) {
		errno = EBADF;
		return NULL;
	}
	return consumer;
}

static void tear_down(struct consumer *consumer)
{
	if (atomic_exchange(&consumer->magic, 0) == CONSUMER_MAGIC)
		reader_leave(&consumer->reader);
}

HOT struct consumer *consumer_enter(const video_shm_consumer_t *handle, bool view_may_be_out)
{
	struct consumer *consumer = consumer_of(handle);

	if (consumer == NULL)
		return NULL;
	if (consumer->viewing && !view_may_be_out) {
		errno = EBUSY;
		return NULL;
	}
	const uint32_t depth = atomic_load_explicit(&consumer->entered, memory_order_relaxed);

	atomic_store(&consumer->entered, depth + 1);
	if (atomic_load(&consumer->magic) == CONSUMER_MAGIC) /* no handler destroyed it in between */
		return consumer;
	atomic_store(&consumer->entered, depth);
	errno = EBADF;
	return NULL;
}

HOT int consumer_leave(struct consumer *consumer, int result)
{
	const uint32_t depth = atomic_load_explicit(&consumer->entered, memory_order_relaxed) - 1;

	/* No full fence here, which would wait for all that was copied. A handler on this thread is seen without;
	 * one on another, in just this moment, may leave the mapping to the end of the process. */
	atomic_store_explicit(&consumer->entered, depth, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	if (depth > 0 || atomic_load_explicit(&consumer->doomed, memory_order_relaxed) == 0)
		return result;
	tear_down(consumer);
	errno = EBADF;
	return -1;
}

/* ---- coming and going ---- */

int video_shm_consumer_open(video_shm_consumer_t *handle, const video_shm_consumer_options_t *given)
{
	struct consumer *consumer = (struct consumer *)handle;
	video_shm_consumer_options_t options;
	struct reader *reader;

	if (consumer == NULL) {
		errno = EINVAL;
		return -1;
	}
	memset(handle, 0, sizeof(*handle));
	reader = &consumer->reader;
	if (options_copy(&options, sizeof(options), given, given != NULL ? given->struct_size : 0) != 0)
		return -1;
	if (options.start > VIDEO_SHM_START_KEYFRAME || options.policy > VIDEO_SHM_POLICY_KEYFRAMES ||
		options.resync > 1 || options.reconnect > 1) {
		errno = EINVAL;
		return -1;
	}
	if (segment_path(reader->path, options.name != NULL ? options.name : VIDEO_SHM_NAME) != 0)
		return -1;
	reader->ops = &wait_system;
	reader->reconnect = options.reconnect != 0;
	reader->max_slot_size = options.max_slot_size;
	reader->cursor.policy = options.policy;
	reader->cursor.resync = options.resync != 0;
	if (reader_join(reader, options.start) != 0)
		return -1;
	atomic_store(&consumer->magic, CONSUMER_MAGIC);
	return 0;
}

/* As the original's callers expect it: a buffer of VIDEO_SHM_MAX_FRAME_SIZE is enough, and a restart goes
 * unnoticed. */
static int init_as_original(video_shm_consumer_t *handle, const char *name)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options),
		.reconnect = 1,
		.max_slot_size = VIDEO_SHM_MAX_FRAME_SIZE,
		.name = name,
	};

	return video_shm_consumer_open(handle, &options);
}

int video_shm_consumer_init(video_shm_consumer_t *handle)
{
	return init_as_original(handle, VIDEO_SHM_NAME);
}

int video_shm_consumer_init_channel(video_shm_consumer_t *handle, int channel)
{
	char name[OPTIONS_CHANNEL_NAME_MAX];

	if (handle != NULL)
		memset(handle, 0, sizeof(*handle));
	if (options_channel_name(name, channel) != 0)
		return -1;
	return init_as_original(handle, name);
}

void video_shm_consumer_destroy(video_shm_consumer_t *handle)
{
	const int error = errno;
	struct consumer *consumer = consumer_of(handle);

	if (consumer != NULL) {
		atomic_store(&consumer->doomed, 1);
		if (atomic_load(&consumer->entered) == 0)
			tear_down(consumer);
		else
			reader_interrupt(&consumer->reader);
	}
	errno = error;
}

void video_shm_consumer_interrupt(video_shm_consumer_t *handle)
{
	const int error = errno;
	struct consumer *consumer = consumer_of(handle);

	if (consumer != NULL)
		reader_interrupt(&consumer->reader);
	errno = error;
}

/* ---- figures ---- */

int video_shm_consumer_info(video_shm_consumer_t *handle, video_shm_info_t *info)
{
	struct consumer *consumer = consumer_enter(handle, true);
	video_shm_info_t all;

	if (consumer == NULL)
		return -1;
	if (info == NULL) {
		errno = EINVAL;
		return consumer_leave(consumer, -1);
	}
	reader_figures(&consumer->reader, &all);
	return consumer_leave(consumer, options_fill(info, info->struct_size, &all, sizeof(all)));
}

int video_shm_consumer_stats(video_shm_consumer_t *handle, uint32_t *total_frames, uint32_t *dropped_frames,
							 uint32_t *missed_frames)
{
	struct consumer *consumer = consumer_enter(handle, true);
	video_shm_info_t all;

	if (consumer == NULL)
		return -1;
	reader_figures(&consumer->reader, &all);
	if (total_frames != NULL)
		*total_frames = (uint32_t)all.frames;
	if (dropped_frames != NULL)
		*dropped_frames = (uint32_t)all.dropped;
	if (missed_frames != NULL)
		*missed_frames = (uint32_t)all.missed;
	return consumer_leave(consumer, 0);
}

int video_shm_consumer_descriptor(const video_shm_consumer_t *handle)
{
	const struct consumer *consumer = consumer_of(handle);

	return consumer != NULL ? consumer->reader.fd : -1;
}
