/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of the read semaphore, and the readers that sleep on it. */
#ifndef VSHM_TOKENS_H
#define VSHM_TOKENS_H

#include <semaphore.h>
#include <stdint.h>

int tokens_count_asleep(sem_t *semaphore);
int tokens_count(sem_t *semaphore);

/* Posts tokens; each wakes one sleeping reader. */
void tokens_give(sem_t *semaphore, int tokens);

/* Adds tokens without waking anybody, for readers that come later: sem_post would wake those that have had
 * the frame. */
void tokens_lay_down(sem_t *semaphore, uint32_t value, int tokens);

/* Returns what a token adds to the first word of a semaphore. */
uint32_t tokens_value(void);

#endif
