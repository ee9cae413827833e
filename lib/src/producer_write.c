/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's calls that touch frames. */
#include <errno.h>

#include "cancel.h"
#include "forks.h"
#include "log.h"
#include "mask.h"
#include "probes.h"
#include "producer.h"
#include "hot.h"
#include "shared.h"

#define NS_PER_MS 1000000u

HOT static void count_drop(struct writer *writer, enum writer_drop cause)
{
	(void)atomic_fetch_add_explicit(&writer->dropped[cause], 1, memory_order_relaxed);
}

/* Is the ring still the one that its name leads to? From time to time, and before each frame once it was not.
 * Signals wait meanwhile, since the handlers of some programs destroy the writer, which would wait for the
 * lock. 0, or -1 with errno. */
COLD static int look_at_name(struct writer *writer, uint64_t now_ns)
{
	sigset_t before;
	int cancel;

	if (now_ns >= writer->next_look_ns && writer->state != WRITER_STALE) {
		cancel = cancel_defer();
		mask_begin(&before);
		if (forks_try_block()) {
			writer_look(writer, now_ns);
			forks_unblock();
			semaphores_close(&writer->former, false);
			writer->has_news = true;
		}
		(void)mask_end(&before);
		cancel_resume(cancel);
	}
	if (writer->state == WRITER_LIVE)
		return 0;
	errno = writer->state == WRITER_STALE ? ESTALE : ENOSPC;
	return -1;
}

COLD static bool take_over_semaphore(struct writer *writer)
{
	writer->has_news = semaphores_take_over(&writer->semaphores, writer->ops->now());
	return writer->has_news;
}

/* Lets the next thread in, then delivers log lines while no lock is held. */
HOT static void leave(struct writer *writer)
{
	const bool has_news = writer->has_news;

	writer->has_news = false;
	atomic_flag_clear_explicit(&writer->busy, memory_order_release);
	if (has_news)
		log_deliver();
}

/* Takes the next slot; busy is set until leave. Returns NULL with EBUSY or ENOSPC (counted), or ESTALE. */
HOT static uint8_t *begin(struct writer *writer)
{
	if (atomic_flag_test_and_set_explicit(&writer->busy, memory_order_acquire)) {
		count_drop(writer, WRITER_DROP_BUSY);
		errno = EBUSY;
		return NULL;
	}
	__builtin_prefetch(writer->semaphores.write, 1);
	ring_prefetch_to_publish(&writer->ring, writer->counts.frames);
	if (writer->state == WRITER_LIVE || look_at_name(writer, writer->ops->now()) == 0) {
		if (semaphores_try(&writer->semaphores) || take_over_semaphore(writer)) {
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
	leave(writer);
	errno = error;
	return NULL;
}

HOT static void finish(struct writer *writer)
{
	writer_publish_drops(writer);
	semaphores_release(&writer->semaphores);
	crash_point();
}

/* Publishes the slot. Returns 0, or -1 with ESTALE. */
HOT static int publish(struct writer *writer, uint32_t size, const video_frame_meta_t *meta,
					   const video_frame_timing_t *timing)
{
	const uint64_t now_ns = writer->ops->now();
	const bool dated = timing != NULL && timing->capture_ns != 0;
	const uint32_t flags = timing != NULL ? timing->flags : 0;
	const struct ring_stamp stamp = {
		.flags = flags | (writer->fresh ? (uint32_t)VIDEO_SHM_FLAG_DISCONTINUITY : 0),
		.capture_ns = (dated ? timing->capture_ns : now_ns) - writer->clock_shift_ns,
		.publish_ns = now_ns - writer->clock_shift_ns,
	};
	video_frame_meta_t complete = *meta;
	uint32_t bits = LAYOUT_WAKE_FRAME;

	complete.size = size;
	if (complete.timestamp_ms == 0)
		complete.timestamp_ms = (now_ns + (uint64_t)writer->realtime_offset_ns) / NS_PER_MS;
	if (ring_is_keyframe(meta))
		bits |= LAYOUT_WAKE_KEYFRAME;
	ring_publish(&writer->ring, &writer->counts, &complete, &stamp);
	writer->fresh = false;
	PROBE_WRITE(writer->counts.frames - 1, size);
	writer_wake(writer, bits);
	PROBE_WAKE(writer->counts.frames - 1, bits);
	/* Nobody waits for the rest. */
	finish(writer);
	if (now_ns >= writer->next_look_ns)
		(void)look_at_name(writer, now_ns);
	const bool stale = writer->state == WRITER_STALE;

	leave(writer);
	if (!stale)
		return 0;
	errno = ESTALE;
	return -1;
}

/* A version 1 program knows no raw pictures, and joins only rings of version 1's geometry. */
static bool may_be_here(const struct writer *writer, const video_frame_meta_t *meta)
{
	return !layout_is_raw(meta) || writer->ring.geometry.version != VIDEO_SHM_VERSION;
}

static bool timing_is_sound(const video_frame_timing_t *timing, const video_frame_meta_t *meta)
{
	const uint32_t known = VIDEO_SHM_FLAG_DISCONTINUITY | VIDEO_SHM_FLAG_CORRUPT |
						   VIDEO_SHM_FLAG_CAPTURE_DRIVER | VIDEO_SHM_FLAG_RECOVERY_POINT;

	if (timing == NULL)
		return true;
	if ((timing->flags & VIDEO_SHM_FLAG_RECOVERY_POINT) && !ring_is_keyframe(meta))
		return false;
	return (timing->flags & ~known) == 0 && timing->reserved == 0;
}

HOT static int write_frame(const video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
						   const video_frame_meta_t *meta, const video_frame_timing_t *timing)
{
	struct writer *writer = producer_writer(producer);
	uint8_t *payload;

	if (writer == NULL)
		return -1;
	if (data == NULL || meta == NULL || size == 0 || !timing_is_sound(timing, meta) ||
		!may_be_here(writer, meta)) {
		errno = EINVAL;
		return -1;
	}
	if (size > writer->slot_size) {
		count_drop(writer, WRITER_DROP_TOO_LARGE);
		if (!atomic_flag_test_and_set_explicit(&writer->busy, memory_order_acquire)) {
			writer_publish_drops(writer);
			leave(writer);
		}
		errno = EMSGSIZE;
		return -1;
	}
	payload = begin(writer);
	if (payload == NULL)
		return errno == EBUSY ? 1 : -1;
	shared_copy_in(payload, data, size);
	return publish(writer, size, meta, timing);
}

HOT int video_shm_producer_write(video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
								 const video_frame_meta_t *meta)
{
	return write_frame(producer, data, size, meta, NULL);
}

HOT int video_shm_producer_write_timed(video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
									   const video_frame_meta_t *meta, const video_frame_timing_t *timing)
{
	return write_frame(producer, data, size, meta, timing);
}

HOT int video_shm_producer_reserve(video_shm_producer_t *producer, uint8_t **data, uint32_t *capacity)
{
	struct writer *writer = producer_writer(producer);
	uint8_t *payload;

	if (writer == NULL)
		return -1;
	if (data == NULL || capacity == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (atomic_load(&writer->reserved)) { /* no frame is lost, so none is counted */
		errno = EBUSY;
		return -1;
	}
	payload = begin(writer);
	if (payload == NULL)
		return -1;
	*data = payload;
	*capacity = writer->slot_size;
	atomic_store(&writer->reserved, 1);
	if (writer->has_news) { /* deliver now: the thread that commits would not find this one's lines */
		writer->has_news = false;
		log_deliver();
	}
	return 0;
}

HOT int video_shm_producer_commit(video_shm_producer_t *producer, uint32_t size,
								  const video_frame_meta_t *meta, const video_frame_timing_t *timing)
{
	struct writer *writer = producer_writer(producer);

	if (writer == NULL)
		return -1;
	if (size == 0 || meta == NULL || !timing_is_sound(timing, meta) || !may_be_here(writer, meta) ||
		!atomic_load(&writer->reserved)) {
		errno = EINVAL;
		return -1;
	}
	if (size > writer->slot_size) {
		errno = EMSGSIZE;
		return -1;
	}
	/* Only the thread that resets it publishes, if two commit the same reservation. */
	if (!atomic_exchange(&writer->reserved, 0)) {
		errno = EINVAL;
		return -1;
	}
	return publish(writer, size, meta, timing);
}

void video_shm_producer_abort(video_shm_producer_t *producer)
{
	struct writer *writer = producer_writer(producer);

	if (writer == NULL || !atomic_exchange(&writer->reserved, 0))
		return;
	ring_cancel(&writer->ring, &writer->counts);
	finish(writer);
	leave(writer);
}
