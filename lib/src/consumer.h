/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_CONSUMER_H
#define VSHM_CONSUMER_H

#include "pool.h"
#include "reader.h"

/*
 * The content of the caller's handle, and all of it that is ever touched: programs built with the original's
 * header have handles of 240 bytes, or fewer on 32-bit processors, with the alignment of a pointer.
 *
 * destroy may be called by a signal handler during any other call on the same handle, or while a view is
 * held. It then only marks the handle; the other call, or release, tears it down at its end.
 */
struct consumer_handle {
	_Atomic uint32_t life;    /* CONSUMER_OPEN or CONSUMER_DOOMED; any other value: not open */
	_Atomic uint32_t entered; /* calls in progress, plus one while a view is held; above 1 in a handler */
	struct consumer *consumer;
	uint32_t generation; /* generation of the consumer when it was opened */
};

#define CONSUMER_OPEN UINT32_C(0x736e6f63)
#define CONSUMER_DOOMED UINT32_C(0x6d6f6f64) /* open, but to be destroyed */

struct consumer {
	struct pool_item item;
	bool viewing;
	struct reader reader;
	struct ring_look view; /* the view that is held */
};

/* Marks a handle as not open. Does nothing for NULL. */
void consumer_clear(video_shm_consumer_t *given);

/* Opens a handle. other is NULL, or for the original's calls the ring's other name, "" if it has none.
 * Returns 0 or -1. */
int consumer_open(video_shm_consumer_t *given, const video_shm_consumer_options_t *options,
				  const char *other);

/* Begins a call, and returns the consumer; NULL with EINVAL, EBADF, or EBUSY if a view is held but may not
 * be. */
struct consumer *consumer_enter(const video_shm_consumer_t *given, bool view_may_be_out);

/* Returns the consumer with a view, even if the handle was destroyed meanwhile; NULL with EBADF. */
struct consumer *consumer_viewed(const video_shm_consumer_t *given);

/* Ends the thread here if it was cancelled, and with it the call. */
void consumer_offer_end(const video_shm_consumer_t *given);

/* Ends a call. Returns result, or -1 with EBADF if the handle was destroyed meanwhile. */
int consumer_leave(const video_shm_consumer_t *given, int result);

#endif
