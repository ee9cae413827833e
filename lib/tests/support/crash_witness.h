/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readers that look on while a writer dies and the next one comes, in the order in which they are
 * called.
 */
#ifndef VSHM_CRASH_WITNESS_H
#define VSHM_CRASH_WITNESS_H

#include "crash_scenarios.h"
#include "crash_watchers.h"
#include "v1/v1.h"

enum {
	OLD_EVERY,
	OLD_FINAL,
	OLD_NEWEST,
	OLD_KEYFRAMES,
	OLD_ACTIVE,
	OLD_SLOW = OLD_ACTIVE,
	OLD_HOLDER,
	OLD_ALL
};
enum { NEW_ALL = 2 };

struct witness {
	const struct scenario *scenario;
	struct place place;
	bool joined; /* there was a ring to join before the crash */
	int fd;      /* that ring, from outside */
	video_shm_info_t before;
	video_shm_info_t seen; /* what its name led to after the crash */
	bool there;            /* it led to anything */
	bool taken;            /* the write semaphore was left taken */
	bool in_place;         /* the successor took over the very ring that was joined */
	uint32_t old_dead[OLD_ALL], old_closed[OLD_ALL];
	struct watcher old[OLD_ALL];
	struct watcher new[NEW_ALL];
	struct v1_reader v1_old, v1_new;
};

/* Lets the old readers join the ring, if there is one. */
void witness_join(struct witness *witness);
/* Notes, after the writer's death, what is there and what the old readers are told. */
void witness_crash(struct witness *witness);
/* Opens the next writer, and lets new readers join. */
void witness_successor(struct witness *witness, video_shm_producer_t *next);
/* Writes more frames than there are slots. */
void witness_frames(struct witness *witness, video_shm_producer_t *next);
/* Closes the next writer, and checks that nothing is left behind. */
void witness_end(struct witness *witness, video_shm_producer_t *next);

/* Returns the write semaphore's value, or -1 if there is none. */
int witness_semaphore(const struct witness *witness);

#endif
