/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pthread_cancel(): a thread that ended in the middle of a call would leave a lock taken, a descriptor open,
 * or a handle in use for ever. So cancellation is put off while a call does what can be cancelled, such as
 * open, close and nanosleep, and acts in waits only, at each look around, where nothing is held.
 */
#ifndef VSHM_CANCEL_H
#define VSHM_CANCEL_H

#include <pthread.h>

/* Puts it off until cancel_resume. Returns what that wants. Keeps errno. */
static inline int cancel_defer(void)
{
	int before = PTHREAD_CANCEL_ENABLE;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	return before;
}

static inline void cancel_resume(int before)
{
	(void)pthread_setcancelstate(before, &before);
}

#endif
