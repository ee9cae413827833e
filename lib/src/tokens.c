/* SPDX-License-Identifier: Apache-2.0 */
#include "tokens.h"

#include <stdatomic.h>
#include <string.h>

#include "wait.h"

/* Unlike the C library's own count, this one leaves out readers that were killed in their sleep. Every C
 * library has the futex at the start of the semaphore. */
int tokens_count_asleep(sem_t *semaphore)
{
	return wait_count_asleep((const _Atomic uint32_t *)(const void *)semaphore);
}

int tokens_count(sem_t *semaphore)
{
	int tokens = 0;

	return sem_getvalue(semaphore, &tokens) == 0 ? tokens : 0;
}

void tokens_give(sem_t *semaphore, int tokens)
{
	for (; tokens > 0; tokens--)
		(void)sem_post(semaphore);
}

void tokens_lay_down(sem_t *semaphore, uint32_t value, int tokens)
{
	if (tokens > 0)
		(void)atomic_fetch_add((_Atomic uint32_t *)(void *)semaphore, value * (uint32_t)tokens);
}

/* Most C libraries count by one; with a flag in the lowest bit, it is by two. */
uint32_t tokens_value(void)
{
	sem_t probe;
	uint32_t before, after;

	if (sem_init(&probe, 1, 0) != 0)
		return 0;
	memcpy(&before, &probe, sizeof(before));
	(void)sem_post(&probe);
	memcpy(&after, &probe, sizeof(after));
	(void)sem_destroy(&probe);
	return after - before;
}
