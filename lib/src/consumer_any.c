/* SPDX-License-Identifier: Apache-2.0 */
/* The call that waits for several readers. */
#include <errno.h>

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

HOT int video_shm_consumer_wait_any(video_shm_consumer_t *const *consumers, uint32_t count,
									uint32_t timeout_ms, uint32_t *index)
{
	struct reader *readers[VIDEO_SHM_WAIT_ANY_MAX];
	const struct reader *anyone = NULL;
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
	result = reader_find_any(readers, count, wait_deadline(anyone->ops, timeout_ms), index);
	return leave_all(consumers, readers, count, result, index);
}
