/* SPDX-License-Identifier: Apache-2.0 */
/* The call that waits for several readers. */
#include <errno.h>
#include <pthread.h>

#include "consumer.h"
#include "hot.h"
#include "reader_any.h"

/* Ends the calls on the first count readers. Returns result, or -1 with EBADF and *index if one was destroyed
 * meanwhile. */
HOT static int leave_all(video_shm_consumer_t *const *consumers, struct reader *const *readers,
						 uint32_t count, int result, uint32_t *index)
{
	int error = errno;

	for (uint32_t at = 0; at < count; at++) {
		if (readers[at] != NULL && consumer_leave(consumers[at], 0) != 0) {
			result = -1;
			error = EBADF;
			*index = at;
		}
	}
	errno = error;
	return result;
}

struct call {
	video_shm_consumer_t *const *consumers;
	struct reader *const *readers;
	uint32_t count;
};

static void leave(void *argument)
{
	const struct call *call = argument;
	uint32_t index;

	(void)leave_all(call->consumers, call->readers, call->count, 0, &index);
}

/* Ends the thread here if it was cancelled, and with it the call. */
COLD static void offer_end(video_shm_consumer_t *const *consumers, struct reader *const *readers,
						   uint32_t count)
{
	struct call call = {consumers, readers, count};

	pthread_cleanup_push(leave, &call);
	pthread_testcancel();
	pthread_cleanup_pop(0);
}

HOT int video_shm_consumer_wait_any(video_shm_consumer_t *const *consumers, uint32_t count,
									uint32_t timeout_ms, uint32_t *index)
{
	struct reader *readers[VIDEO_SHM_WAIT_ANY_MAX];
	const struct reader *anyone = NULL;
	uint64_t until_ns;
	int result;

	if (consumers == NULL || index == NULL || count == 0 || count > VIDEO_SHM_WAIT_ANY_MAX) {
		errno = EINVAL;
		return -1;
	}
	for (uint32_t at = 0; at < count; at++) {
		struct consumer *consumer = consumers[at] != NULL ? consumer_enter(consumers[at], false) : NULL;

		readers[at] = consumer != NULL ? &consumer->reader : NULL;
		if (consumer != NULL)
			anyone = readers[at];
		else if (consumers[at] != NULL) {
			*index = at;
			return leave_all(consumers, readers, at, -1, index);
		}
	}
	if (anyone == NULL) {
		errno = EINVAL;
		return -1;
	}
	until_ns = wait_deadline(anyone->ops, timeout_ms);
	while ((result = reader_seek_any(readers, count, until_ns, index)) == READER_LOOKED)
		offer_end(consumers, readers, count);
	if (result < 0 && errno == EINTR) /* musl, and glibc since 2.41, cancel by a signal */
		offer_end(consumers, readers, count);
	return leave_all(consumers, readers, count, result, index);
}
