/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_CONSUMER_H
#define VSHM_CONSUMER_H

#include "pool.h"
#include "reader.h"

/*
 * What the caller's handle holds, and all of it that is ever touched: programs of the original have handles
 * of 240 bytes, or fewer where pointers are shorter, and aligned for no more than those.
 *
 * destroy may come from a signal handler in the middle of any other call on the same handle, or while a view
 * is out. It then only asks; the call, or the release, tears down at its end.
 */
struct consumer_handle {
	_Atomic uint32_t life;    /* CONSUMER_OPEN, CONSUMER_DOOMED; else it is not open */
	_Atomic uint32_t entered; /* calls under way, one more while a view is out; above 1 in a handler */
	struct consumer *consumer;
	uint32_t generation; /* of the consumer, when it was opened */
};

#define CONSUMER_OPEN UINT32_C(0x736e6f63)
#define CONSUMER_DOOMED UINT32_C(0x6d6f6f64) /* open, but destroy was asked for */

struct consumer {
	struct pool_item item;
	bool viewing;
	struct reader reader;
	struct ring_look view; /* the one that is out */
};

/* The handle is not open. NULL: nothing is done. */
void consumer_clear(video_shm_consumer_t *given);

/* Opens a handle. other: NULL; or, in the original's calls, the ring's other name, "" if it has none. 0 or
 * -1.
 */
int consumer_open(video_shm_consumer_t *given, const video_shm_consumer_options_t *options,
				  const char *other);

/* Begins a call. NULL: EINVAL, EBADF, or EBUSY where a view may not be out. */
struct consumer *consumer_enter(const video_shm_consumer_t *given, bool view_may_be_out);

/* The consumer whose view is out, be the handle destroyed meanwhile or not. NULL: EBADF. */
struct consumer *consumer_viewed(const video_shm_consumer_t *given);

/* Ends a call. Returns result, or -1 with EBADF if the handle was destroyed meanwhile. */
int consumer_leave(const video_shm_consumer_t *given, int result);

#endif
