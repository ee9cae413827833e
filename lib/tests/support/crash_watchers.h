/* SPDX-License-Identifier: Apache-2.0 */
/* A reader that checks every frame and every result that it gets against the promises. */
#ifndef VSHM_CRASH_WATCHERS_H
#define VSHM_CRASH_WATCHERS_H

#include <stdbool.h>
#include <stdint.h>

#include "video_shm.h"

struct watcher {
	video_shm_consumer_t consumer;
	video_shm_consumer_options_t options;
	bool borrows; /* by acquire and release */
	bool any;     /* has got a frame since it attached */
	uint64_t last;
	uint64_t received;
	uint64_t reattached;
	uint32_t dead;   /* times it was told EOWNERDEAD */
	uint32_t closed; /* times it was told EPIPE; at most once if it does not reconnect */
	uint32_t last_flags;
	video_shm_view_t view; /* one that is held for long; data NULL: none */
};

/* Opens the reader that options describe. */
void watcher_open(struct watcher *watcher, const video_shm_consumer_options_t *options, bool borrows);

/* Reads and checks all frames that there are, and notes the errors that it gets. */
void watcher_drain(struct watcher *watcher);

/* Does the same repeatedly, until the library has had reason to look at everything again. */
void watcher_settle(struct watcher *watcher);

/* Acquires the next frame and keeps it; watcher_let_go checks whether it stayed whole, as release says. */
void watcher_hold(struct watcher *watcher);
void watcher_let_go(struct watcher *watcher);

/* Checks that its counters balance, and leaves the ring. */
void watcher_close(struct watcher *watcher);

#endif
