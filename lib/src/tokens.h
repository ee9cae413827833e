/* SPDX-License-Identifier: Apache-2.0 */
/* The read semaphore's tokens, and who sleeps there for one. */
#ifndef VSHM_TOKENS_H
#define VSHM_TOKENS_H

#include <semaphore.h>
#include <stdint.h>

int tokens_count_asleep(sem_t *semaphore);
int tokens_count(sem_t *semaphore);

/* Each wakes one who sleeps. */
void tokens_give(sem_t *semaphore, int tokens);

/* Without waking anybody: for who comes later. sem_post would wake who has had the frame. */
void tokens_lay_down(sem_t *semaphore, uint32_t value, int tokens);

/* What one more adds to a semaphore's first word. */
uint32_t tokens_value(void);

#endif
