/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "attachment.h"
#include "cancel.h"
#include "consumer.h"
#include "hot.h"
#include "options.h"
#include "reader_figures.h"

/* The original's handle of 240 bytes, of pointers and 8-byte words, shrinks at most to 120 bytes on another
 * processor. */
static_assert(sizeof(struct consumer_handle) <= 32, "the original's handle has room");
static_assert(_Alignof(struct consumer_handle) <= _Alignof(void *), "the original's handle is aligned");

static struct pool consumers;

static struct consumer_handle *handle_of(const video_shm_consumer_t *given)
{
	return (struct consumer_handle *)(uintptr_t)given;
}

/* Returns NULL with EINVAL or EBADF. The generation tells that a copy of a destroyed handle is not open. */
HOT static struct consumer *consumer_of(const video_shm_consumer_t *given)
{
	const struct consumer_handle *handle = handle_of(given);

	if (handle == NULL) {
		errno = EINVAL;
		return NULL;
	}
	if (atomic_load(&handle->life) == CONSUMER_OPEN &&
		pool_generation(&handle->consumer->item) == handle->generation)
		return handle->consumer;
	errno = EBADF;
	return NULL;
}

/* Destroys a doomed consumer. A signal handler in between finds it doomed or closed, and does nothing. */
static void tear_down(struct consumer_handle *handle)
{
	struct consumer *consumer = handle->consumer;
	const int cancel = cancel_defer();

	atomic_store(&handle->life, 0);
	reader_leave(&consumer->reader);
	pool_give_back(&consumers, &consumer->item);
	cancel_resume(cancel);
}

HOT struct consumer *consumer_enter(const video_shm_consumer_t *given, bool view_may_be_out)
{
	struct consumer_handle *handle = handle_of(given);
	struct consumer *consumer = consumer_of(given);

	if (consumer == NULL)
		return NULL;
	const uint32_t depth = atomic_load_explicit(&handle->entered, memory_order_relaxed);

	atomic_store(&handle->entered, depth + 1);
	if (atomic_load(&handle->life) != CONSUMER_OPEN) /* a handler destroyed it in between */
		errno = EBADF;
	else if (consumer->viewing && !view_may_be_out)
		errno = EBUSY;
	else
		return consumer;
	(void)consumer_leave(given, -1);
	return NULL;
}

HOT int consumer_leave(const video_shm_consumer_t *given, int result)
{
	struct consumer_handle *handle = handle_of(given);
	const uint32_t depth = atomic_load_explicit(&handle->entered, memory_order_relaxed) - 1;

	/* No full fence here, which would wait for the whole copy. It is not needed for a handler on this thread;
	 * a handler on another thread, at this very moment, may leave the mapping until the process ends. */
	atomic_store_explicit(&handle->entered, depth, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	if (depth > 0 || atomic_load_explicit(&handle->life, memory_order_relaxed) != CONSUMER_DOOMED)
		return result;
	tear_down(handle);
	errno = EBADF;
	return -1;
}

static void leave(void *given)
{
	(void)consumer_leave(given, 0);
}

COLD void consumer_offer_end(const video_shm_consumer_t *given)
{
	pthread_cleanup_push(leave, (void *)(uintptr_t)given);
	pthread_testcancel();
	pthread_cleanup_pop(0);
}

struct consumer *consumer_viewed(const video_shm_consumer_t *given)
{
	struct consumer_handle *handle = handle_of(given);

	if (atomic_load(&handle->life) == CONSUMER_DOOMED)
		return handle->consumer;
	return consumer_of(given);
}

/* ---- coming and going ---- */

void consumer_clear(video_shm_consumer_t *given)
{
	if (given != NULL)
		memset(given, 0, sizeof(struct consumer_handle));
}

/* Sets the options and the path. Returns 0, or -1 with EINVAL. */
static int set_up(struct reader *reader, const video_shm_consumer_options_t *given, uint32_t *start)
{
	video_shm_consumer_options_t options;

	if (options_copy(&options, sizeof(options), given, given != NULL ? given->struct_size : 0) != 0)
		return -1;
	if (options.start > VIDEO_SHM_START_KEYFRAME || options.policy > VIDEO_SHM_POLICY_KEYFRAMES ||
		options.resync > 1 || options.reconnect > 1) {
		errno = EINVAL;
		return -1;
	}
	reader->ops = &wait_system;
	reader->reconnect = options.reconnect != 0;
	reader->max_slot_size = options.max_slot_size;
	reader->cursor.policy = options.policy;
	reader->cursor.resync = options.resync != 0;
	*start = options.start;
	return segment_path(reader->path, options.name != NULL ? options.name : VIDEO_SHM_NAME);
}

static int join(video_shm_consumer_t *given, const video_shm_consumer_options_t *options, const char *other)
{
	struct consumer_handle *handle = handle_of(given);
	struct consumer *consumer;
	uint32_t start;

	consumer_clear(given);
	consumer = pool_obtain(&consumers, sizeof(*consumer));
	if (consumer == NULL)
		return -1;
	consumer->reader.as_original = other != NULL;
	if (set_up(&consumer->reader, options, &start) != 0 ||
		(other != NULL && other[0] != '\0' && segment_path(consumer->reader.other.path, other) != 0) ||
		reader_join(&consumer->reader, start) != 0) {
		pool_give_back(&consumers, &consumer->item);
		return -1;
	}
	handle->consumer = consumer;
	handle->generation = pool_generation(&consumer->item);
	atomic_store(&handle->life, CONSUMER_OPEN);
	return 0;
}

int consumer_open(video_shm_consumer_t *given, const video_shm_consumer_options_t *options, const char *other)
{
	int result, cancel;

	if (given == NULL) {
		errno = EINVAL;
		return -1;
	}
	cancel = cancel_defer();
	result = join(given, options, other);
	cancel_resume(cancel);
	return result;
}

int video_shm_consumer_open(video_shm_consumer_t *given, const video_shm_consumer_options_t *options)
{
	return consumer_open(given, options, NULL);
}

void video_shm_consumer_destroy(video_shm_consumer_t *given)
{
	const int error = errno;
	struct consumer_handle *handle = handle_of(given);
	struct consumer *consumer = consumer_of(given);
	uint32_t open = CONSUMER_OPEN;

	if (consumer != NULL && atomic_compare_exchange_strong(&handle->life, &open, CONSUMER_DOOMED)) {
		if (atomic_load(&handle->entered) == 0)
			tear_down(handle);
		else
			reader_interrupt(&consumer->reader);
	}
	errno = error;
}

void video_shm_consumer_interrupt(video_shm_consumer_t *given)
{
	const int error = errno;
	struct consumer *consumer = consumer_of(given);

	if (consumer != NULL)
		reader_interrupt(&consumer->reader);
	errno = error;
}

/* ---- figures ---- */

int video_shm_consumer_info(video_shm_consumer_t *given, video_shm_info_t *info)
{
	struct consumer *consumer = consumer_enter(given, true);
	video_shm_info_t all;

	if (consumer == NULL)
		return -1;
	if (info == NULL) {
		errno = EINVAL;
		return consumer_leave(given, -1);
	}
	reader_figures(&consumer->reader, &all);
	return consumer_leave(given, options_fill(info, info->struct_size, &all, sizeof(all)));
}

int video_shm_consumer_stats(video_shm_consumer_t *given, uint32_t *total_frames, uint32_t *dropped_frames,
							 uint32_t *missed_frames)
{
	struct consumer *consumer = consumer_enter(given, true);
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
	return consumer_leave(given, 0);
}

int video_shm_consumer_descriptor(const video_shm_consumer_t *given)
{
	struct consumer *consumer = consumer_of(given);
	const int cancel = cancel_defer();
	const int fd = consumer != NULL ? reader_descriptor(&consumer->reader) : -1;

	cancel_resume(cancel);
	return fd;
}
