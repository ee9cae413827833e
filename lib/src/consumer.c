/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "inspect.h"
#include "options.h"
#include "probes.h"
#include "reader.h"
#include "shared.h"

#define MAGIC UINT64_C(0x72656d75736e6f63) /* the handle is open */
#define NS_PER_MS 1000000u

/*
 * destroy may come from a signal handler in the middle of any other call on the same handle, or while a view
 * is out. It then only asks; the call, or the release, tears down at its end.
 */
struct consumer {
	_Atomic uint64_t magic;
	_Atomic uint32_t entered; /* a call is under way, or a view is out */
	_Atomic uint32_t doomed;  /* destroy was asked for */
	bool viewing;
	struct ring_look view; /* the one that is out */
	struct reader reader;
};

static_assert(sizeof(struct consumer) <= sizeof(video_shm_consumer_t), "the handle has room");
static_assert(_Alignof(struct consumer) <= _Alignof(video_shm_consumer_t), "the handle is aligned");

static struct consumer *consumer_of(const video_shm_consumer_t *handle)
{
	struct consumer *consumer = (struct consumer *)(uintptr_t)handle;

	if (consumer == NULL) {
		errno = EINVAL;
		return NULL;
	}
	if (atomic_load(&consumer->magic) != MAGIC || atomic_load(&consumer->doomed) != 0) {
		errno = EBADF;
		return NULL;
	}
	return consumer;
}

static void tear_down(struct consumer *consumer)
{
	if (atomic_exchange(&consumer->magic, 0) == MAGIC)
		reader_leave(&consumer->reader);
}

/* Begins a call. NULL: EINVAL, EBADF, or EBUSY where a view may not be out. */
static struct consumer *enter(const video_shm_consumer_t *handle, bool view_may_be_out)
{
	struct consumer *consumer = consumer_of(handle);

	if (consumer == NULL)
		return NULL;
	if (consumer->viewing && !view_may_be_out) {
		errno = EBUSY;
		return NULL;
	}
	atomic_store(&consumer->entered, 1);
	if (atomic_load(&consumer->magic) == MAGIC) /* no handler destroyed it in between */
		return consumer;
	atomic_store(&consumer->entered, 0);
	errno = EBADF;
	return NULL;
}

/* Ends a call. Returns result, or -1 with EBADF if the handle was destroyed meanwhile. */
static int leave(struct consumer *consumer, int result)
{
	const int error = errno;

	if (!consumer->viewing) {
		atomic_store(&consumer->entered, 0);
		if (atomic_load(&consumer->doomed) != 0) {
			tear_down(consumer);
			errno = EBADF;
			return -1;
		}
	}
	errno = error;
	return result;
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
	atomic_store(&consumer->magic, MAGIC);
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

/* ---- reading ---- */

static uint64_t deadline(const struct reader *reader, uint32_t timeout_ms)
{
	if (timeout_ms == VIDEO_SHM_NO_WAIT)
		return 0;
	return timeout_ms == 0 ? WAIT_FOREVER : reader->ops->now() + (uint64_t)timeout_ms * NS_PER_MS;
}

/* Copies the next frame that stays whole meanwhile. A size, 0, or -1. */
static int copy_next(struct reader *reader, uint8_t *data, uint32_t capacity, video_frame_meta_t *meta,
					 uint32_t timeout_ms)
{
	const uint64_t until_ns = deadline(reader, timeout_ms);
	struct ring_look look;
	bool whole;

	do {
		const int found = reader_find(reader, until_ns, &look);

		if (found <= 0)
			return found;
		*meta = look.meta;
		if (look.meta.size > capacity) {
			errno = EMSGSIZE;
			return -1;
		}
		shared_copy_out(data, look.data, look.meta.size);
		whole = ring_still_whole(&reader->ring, &look);
		cursor_take(&reader->cursor, &look, whole);
		if (!whole)
			PROBE_LAPPED(look.frame);
	} while (!whole);
	return (int)look.meta.size;
}

int video_shm_consumer_receive(video_shm_consumer_t *handle, uint8_t *data, uint32_t capacity,
							   video_frame_meta_t *meta, uint32_t timeout_ms)
{
	struct consumer *consumer;

	if (handle == NULL || data == NULL || meta == NULL) {
		errno = EINVAL;
		return -1;
	}
	consumer = enter(handle, false);
	if (consumer == NULL)
		return -1;
	return leave(consumer, copy_next(&consumer->reader, data, capacity, meta, timeout_ms));
}

int video_shm_consumer_wait(video_shm_consumer_t *handle, uint8_t *data, video_frame_meta_t *meta,
							uint32_t timeout_ms)
{
	return video_shm_consumer_receive(handle, data, VIDEO_SHM_MAX_FRAME_SIZE, meta, timeout_ms);
}

int video_shm_consumer_read(video_shm_consumer_t *handle, uint8_t *data, video_frame_meta_t *meta)
{
	return video_shm_consumer_receive(handle, data, VIDEO_SHM_MAX_FRAME_SIZE, meta, VIDEO_SHM_NO_WAIT);
}

static int fill_view(const struct consumer *consumer, video_shm_view_t *view)
{
	const struct ring_look *look = &consumer->view;
	const struct cursor *cursor = &consumer->reader.cursor;
	const video_shm_view_t all = {
		.flags = look->flags | (cursor->discontinuity ? (uint32_t)VIDEO_SHM_FLAG_DISCONTINUITY : 0),
		.data = look->data,
		.offset = look->offset,
		.frame = look->frame,
		.capture_ns = look->capture_ns,
		.publish_ns = look->publish_ns,
		.missed_before = cursor->missed - cursor->missed_at_take,
		.meta = look->meta,
	};

	return options_fill(view, view->struct_size, &all, sizeof(all));
}

int video_shm_consumer_acquire(video_shm_consumer_t *handle, video_shm_view_t *view, uint32_t timeout_ms)
{
	struct consumer *consumer;
	int found;

	if (handle == NULL || view == NULL || view->struct_size < offsetof(video_shm_view_t, meta)) {
		errno = EINVAL;
		return -1;
	}
	consumer = enter(handle, false);
	if (consumer == NULL)
		return -1;
	found = reader_find(&consumer->reader, deadline(&consumer->reader, timeout_ms), &consumer->view);
	if (found <= 0)
		return leave(consumer, found);
	if (fill_view(consumer, view) != 0)
		return leave(consumer, -1);
	consumer->viewing = true; /* and entered stays set: destroy leaves the mapping until release */
	return leave(consumer, (int)consumer->view.meta.size);
}

int video_shm_consumer_release(video_shm_consumer_t *handle, video_shm_view_t *view)
{
	struct consumer *consumer = (struct consumer *)handle;
	bool whole;

	if (consumer == NULL || view == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (atomic_load(&consumer->magic) != MAGIC) {
		errno = EBADF;
		return -1;
	}
	if (!consumer->viewing || view->data != consumer->view.data || view->frame != consumer->view.frame) {
		errno = EINVAL;
		return -1;
	}
	whole = ring_still_whole(&consumer->reader.ring, &consumer->view);
	cursor_take(&consumer->reader.cursor, &consumer->view, whole);
	if (!whole)
		PROBE_LAPPED(consumer->view.frame);
	consumer->viewing = false;
	view->data = NULL;
	(void)leave(consumer, 0); /* also of a handle that was destroyed meanwhile: the view was good until now */
	return whole ? 0 : 1;
}

/* ---- figures ---- */

static void figures(const struct reader *reader, video_shm_info_t *info)
{
	const struct cursor *cursor = &reader->cursor;

	inspect_ring(info, &reader->ring.geometry, reader->ring.header, reader->ring.extension);
	inspect_identity(info, &reader->identity);
	if (reader->fate == READER_DEAD && info->state == VIDEO_SHM_STATE_LIVE)
		info->state = VIDEO_SHM_STATE_DEAD;
	if (reader->ring.extension == NULL) /* version 1 counts in 32 bits only */
		info->frames = ring_frames(&reader->ring, cursor->next);
	info->received = cursor->received;
	info->missed = cursor->missed;
	info->skipped = cursor->skipped;
	info->span = cursor->span;
	info->next_frame = cursor->next;
	info->reattached = reader->reattached;
}

int video_shm_consumer_info(video_shm_consumer_t *handle, video_shm_info_t *info)
{
	struct consumer *consumer = enter(handle, true);
	video_shm_info_t all;

	if (consumer == NULL)
		return -1;
	if (info == NULL) {
		errno = EINVAL;
		return leave(consumer, -1);
	}
	figures(&consumer->reader, &all);
	return leave(consumer, options_fill(info, info->struct_size, &all, sizeof(all)));
}

int video_shm_consumer_stats(video_shm_consumer_t *handle, uint32_t *total_frames, uint32_t *dropped_frames,
							 uint32_t *missed_frames)
{
	struct consumer *consumer = enter(handle, true);
	video_shm_info_t all;

	if (consumer == NULL)
		return -1;
	figures(&consumer->reader, &all);
	if (total_frames != NULL)
		*total_frames = (uint32_t)all.frames;
	if (dropped_frames != NULL)
		*dropped_frames = (uint32_t)all.dropped;
	if (missed_frames != NULL)
		*missed_frames = (uint32_t)all.missed;
	return leave(consumer, 0);
}

int video_shm_consumer_descriptor(const video_shm_consumer_t *handle)
{
	const struct consumer *consumer = consumer_of(handle);

	return consumer != NULL ? consumer->reader.fd : -1;
}
