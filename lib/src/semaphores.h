/* SPDX-License-Identifier: Apache-2.0 */
/* The two named semaphores that version 1 programs use. */
#ifndef VSHM_SEMAPHORES_H
#define VSHM_SEMAPHORES_H

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "usher.h"

#define SEMAPHORES_NAME_MAX 40

struct semaphores {
	sem_t *write; /* NULL: the ring's name has no semaphores, or they could not be opened */
	sem_t *read;
	struct usher *usher;     /* NULL: at most one version 1 reader so far, or no thread for it */
	bool alone;              /* no thread could be started */
	uint64_t taken_since_ns; /* since when somebody else has the write semaphore; 0: nobody has */
	uint64_t rearmed;        /* how often its holder was found dead */
	char write_name[SEMAPHORES_NAME_MAX];
	char read_name[SEMAPHORES_NAME_MAX];
};

/*
 * Opens or makes the pair of a ring of that name ("video_stream", "video_stream_ch0", ...); any other name
 * has none. If they can't be opened, for instance because a stranger has made objects of their names, the
 * ring goes without; what is no semaphore is left alone. fresh: the ring is new, and the pair must be too, or
 * readers of the former ring would take the tokens of this one.
 */
void semaphores_open(struct semaphores *semaphores, const char *ring_name, mode_t mode, gid_t group,
					 bool fresh);

/* Takes the write semaphore. Returns false if it is taken. */
bool semaphores_try(struct semaphores *semaphores);
/* To be called when that failed: takes the semaphore over if it was taken for over a second, so that its
 * holder must be dead. */
bool semaphores_take_over(struct semaphores *semaphores, uint64_t now_ns);
void semaphores_release(struct semaphores *semaphores);

/* Posts tokens for that many version 1 readers, as they count themselves, but no more than live ones can
 * take. */
void semaphores_signal(struct semaphores *semaphores, uint32_t readers);

/* Forgets the thread, in a forked child, which does not have it. */
void semaphores_forget(struct semaphores *semaphores);

/* Removes the names: the next program that opens them gets new semaphores. */
void semaphores_remove(const struct semaphores *semaphores);

/* Ends the thread, which takes a moment, and closes the semaphores; remove: also removes the names. */
void semaphores_close(struct semaphores *semaphores, bool remove);

#endif
