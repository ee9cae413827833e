/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that waits for several readers. */
#ifndef VSHM_READER_ANY_H
#define VSHM_READER_ANY_H

#include "reader.h"

/*
 * Finds a reader that has a frame, or something to tell of its ring, and sleeps until deadline_ns at most; 0:
 * does not wait. Takes neither: reader_find will. Looks at the one behind *index first. Readers may be NULL,
 * but not all of them. Returns 1 and sets *index, 0 if none has in time, -1 with EINTR, or READER_LOOKED.
 */
int reader_seek_any(struct reader *const *readers, uint32_t count, uint64_t deadline_ns, uint32_t *index);

/* The same to its end. */
static inline int reader_find_any(struct reader *const *readers, uint32_t count, uint64_t deadline_ns,
								  uint32_t *index)
{
	int found;

	while ((found = reader_seek_any(readers, count, deadline_ns, index)) == READER_LOOKED) {
	}
	return found;
}

#endif
