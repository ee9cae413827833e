/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's calls that touch frames. */
#include <errno.h>

#include "consumer.h"
#include "options.h"
#include "probes.h"
#include "hot.h"
#include "inspect.h"
#include "shared.h"

/* Goes past a frame that was read. Whether it stayed whole meanwhile. */
HOT static bool take(struct reader *reader, const struct ring_look *look)
{
	const bool whole = ring_still_whole(&reader->ring, look);

	cursor_take(&reader->cursor, look, whole);
	if (!whole)
		PROBE_LAPPED(look->frame, look->meta.size);
	return whole;
}

/* Finds the next frame. Returns 1, 0 or -1. */
HOT static int find(const video_shm_consumer_t *given, struct reader *reader, uint64_t until_ns,
					struct ring_look *look)
{
	int found;

	while ((found = reader_seek(reader, until_ns, look)) == READER_LOOKED)
		consumer_offer_end(given);
	if (found < 0 && errno == EINTR) /* musl, and glibc since 2.41, cancel by a signal */
		consumer_offer_end(given);
	return found;
}

/* Copies the next frame that stays whole meanwhile. Returns its size, 0, or -1. */
HOT static int copy_next(const video_shm_consumer_t *given, struct reader *reader, uint8_t *data,
						 uint32_t capacity, video_frame_meta_t *meta, uint32_t timeout_ms)
{
	const uint64_t until_ns = wait_deadline(reader->ops, timeout_ms);
	struct ring_look look;

	do {
		const int found = find(given, reader, until_ns, &look);

		if (found <= 0)
			return found;
		*meta = look.meta;
		if (look.meta.size > capacity) {
			errno = EMSGSIZE;
			return -1;
		}
		shared_copy_out(data, look.data, look.meta.size);
	} while (!take(reader, &look));
	return (int)look.meta.size;
}

HOT int video_shm_consumer_receive(video_shm_consumer_t *given, uint8_t *data, uint32_t capacity,
								   video_frame_meta_t *meta, uint32_t timeout_ms)
{
	struct consumer *consumer;

	if (given == NULL || data == NULL || meta == NULL) {
		errno = EINVAL;
		return -1;
	}
	consumer = consumer_enter(given, false);
	if (consumer == NULL)
		return -1;
	return consumer_leave(given, copy_next(given, &consumer->reader, data, capacity, meta, timeout_ms));
}

HOT int video_shm_consumer_wait(video_shm_consumer_t *given, uint8_t *data, video_frame_meta_t *meta,
								uint32_t timeout_ms)
{
	return video_shm_consumer_receive(given, data, VIDEO_SHM_MAX_FRAME_SIZE, meta, timeout_ms);
}

HOT int video_shm_consumer_read(video_shm_consumer_t *given, uint8_t *data, video_frame_meta_t *meta)
{
	return video_shm_consumer_receive(given, data, VIDEO_SHM_MAX_FRAME_SIZE, meta, VIDEO_SHM_NO_WAIT);
}

HOT static int fill_view(const struct consumer *consumer, video_shm_view_t *view)
{
	const struct ring_look *look = &consumer->view;
	const struct cursor *cursor = &consumer->reader.cursor;
	const video_shm_view_t all = {
		.flags = look->flags | (cursor->discontinuity ? (uint32_t)VIDEO_SHM_FLAG_DISCONTINUITY : 0),
		.data = look->data,
		.offset = look->offset,
		.frame = look->frame,
		.capture_ns = inspect_time(look->capture_ns, consumer->reader.clock_shift_ns),
		.publish_ns = inspect_time(look->publish_ns, consumer->reader.clock_shift_ns),
		.missed_before = cursor->missed - cursor->missed_at_take,
		.attachment = consumer->reader.reattached,
		.meta = look->meta,
	};

	return options_fill(view, view->struct_size, &all, sizeof(all));
}

HOT int video_shm_consumer_acquire(video_shm_consumer_t *given, video_shm_view_t *view, uint32_t timeout_ms)
{
	struct consumer *consumer;
	int found;

	if (given == NULL || view == NULL || view->struct_size < offsetof(video_shm_view_t, meta)) {
		errno = EINVAL;
		return -1;
	}
	consumer = consumer_enter(given, false);
	if (consumer == NULL)
		return -1;
	found = find(given, &consumer->reader, wait_deadline(consumer->reader.ops, timeout_ms), &consumer->view);
	if (found <= 0)
		return consumer_leave(given, found);
	if (fill_view(consumer, view) != 0)
		return consumer_leave(given, -1);
	consumer->viewing = true; /* and the call does not end: destroy keeps the mapping until release */
	return (int)consumer->view.meta.size;
}

HOT int video_shm_consumer_release(video_shm_consumer_t *given, video_shm_view_t *view)
{
	struct consumer *consumer;
	bool whole;

	if (given == NULL || view == NULL) {
		errno = EINVAL;
		return -1;
	}
	consumer = consumer_viewed(given);
	if (consumer == NULL)
		return -1;
	if (!consumer->viewing || view->data != consumer->view.data || view->frame != consumer->view.frame) {
		errno = EINVAL;
		return -1;
	}
	whole = take(&consumer->reader, &consumer->view);
	consumer->viewing = false;
	view->data = NULL;
	/* Also of a handle that was destroyed meanwhile: the view was good until now. */
	(void)consumer_leave(given, 0);
	return whole ? 0 : 1;
}
