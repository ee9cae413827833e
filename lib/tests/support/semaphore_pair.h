/* SPDX-License-Identifier: Apache-2.0 */
/* The two semaphores of a channel of a test's own, as the library has them and as a version 1 program does.
 */
#ifndef VSHM_SEMAPHORE_PAIR_H
#define VSHM_SEMAPHORE_PAIR_H

#include "semaphores.h"

extern struct semaphores ours;
extern int channel;
extern char ring_name[64], write_name[64], read_name[64];

/* Sets the channel and the names. */
void fresh_names(void);
void open_ours(void);
/* Takes the write semaphore, as the writer does before each frame. Returns whether it got it. */
bool take(struct semaphores *semaphores, uint64_t now_ns);

/* Opens a semaphore as a version 1 program does. */
sem_t *theirs(const char *name, unsigned value);
int tokens(sem_t *semaphore);

#endif
