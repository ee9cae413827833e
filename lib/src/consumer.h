/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_CONSUMER_H
#define VSHM_CONSUMER_H

#include "reader.h"

#define CONSUMER_MAGIC UINT64_C(0x72656d75736e6f63) /* the handle is open */

/*
 * destroy may come from a signal handler in the middle of any other call on the same handle, or while a view
 * is out. It then only asks; the call, or the release, tears down at its end.
 */
struct consumer {
	_Atomic uint64_t magic;
	_Atomic uint32_t entered; /* calls under way, one more while a view is out; above 1 in a handler */
	_Atomic uint32_t doomed;  /* destroy was asked for */
	bool viewing;
	struct reader reader;
	struct ring_look view; /* the one that is out */
};

/* Begins a call. NULL: EINVAL, EBADF, or EBUSY where a view may not be out. */
struct consumer *consumer_enter(const video_shm_consumer_t *handle, bool view_may_be_out);

/* Ends a call. Returns result, or -1 with EBADF if the handle was destroyed meanwhile. */
int consumer_leave(struct consumer *consumer, int result);

#endif
