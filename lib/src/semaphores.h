/* SPDX-License-Identifier: Apache-2.0 */
/* The two named semaphores that version 1 programs know. */
#ifndef VSHM_SEMAPHORES_H
#define VSHM_SEMAPHORES_H

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "usher.h"

#define SEMAPHORES_NAME_MAX 40

struct semaphores {
	sem_t *write; /* NULL: this ring has no version 1 readers, or the semaphores could not be had */
	sem_t *read;
	struct usher *usher;     /* NULL: not more than one version 1 reader so far, or no thread for it */
	bool alone;              /* there was none */
	uint64_t taken_since_ns; /* somebody else has had the write semaphore since then; 0: nobody */
	uint64_t rearmed;        /* times that its holder was found dead */
	char write_name[SEMAPHORES_NAME_MAX];
	char read_name[SEMAPHORES_NAME_MAX];
};

/*
 * Opens or makes the pair that belongs to a ring of that name ("video_stream", "video_stream_ch0", ...). Any
 * other name has none. Where they can't be had, as when a stranger sits on their names, the ring goes
 * without. fresh: the ring is new, and so is the pair: readers of the one before would take the tokens of
 * this one's.
 */
void semaphores_open(struct semaphores *semaphores, const char *ring_name, mode_t mode, gid_t group,
					 bool fresh);

/* Takes the write semaphore. False: it is taken. */
bool semaphores_try(struct semaphores *semaphores);
/* The same, once that has failed: held for over a second, its holder is dead, and it is taken over. */
bool semaphores_take_over(struct semaphores *semaphores, uint64_t now_ns);
void semaphores_release(struct semaphores *semaphores);

/* Tokens for so many version 1 readers, as they count themselves: no more than those who live can take. */
void semaphores_signal(struct semaphores *semaphores, uint32_t readers);

/* In a forked child, which has no thread of its parent's. */
void semaphores_forget(struct semaphores *semaphores);

/* Takes the names away: who opens them next gets others. */
void semaphores_remove(const struct semaphores *semaphores);

/* Lets go, once its thread has ended, which takes a moment; remove: also takes the names away. */
void semaphores_close(struct semaphores *semaphores, bool remove);

#endif
