/* SPDX-License-Identifier: Apache-2.0 */
#include "semaphore_pair.h"

#include <fcntl.h>

#include "check.h"

struct semaphores ours;
int channel;
char ring_name[64], write_name[64], read_name[64];

void fresh_names(void)
{
	channel = fresh_channel();
	(void)snprintf(ring_name, sizeof(ring_name), "video_stream_ch%d", channel);
	(void)snprintf(write_name, sizeof(write_name), VIDEO_SHM_SEM_WRITE "_ch%d", channel);
	(void)snprintf(read_name, sizeof(read_name), VIDEO_SHM_SEM_READ "_ch%d", channel);
}

void open_ours(void)
{
	semaphores_open(&ours, ring_name, 0660, (gid_t)-1, false);
}

sem_t *theirs(const char *name, unsigned value)
{
	sem_t *semaphore = sem_open(name, O_CREAT, 0660, value);

	CHECK(semaphore != SEM_FAILED);
	return semaphore;
}

int tokens(sem_t *semaphore)
{
	int value = -1;

	CHECK_EQ(sem_getvalue(semaphore, &value), 0);
	return value;
}

bool take(struct semaphores *semaphores, uint64_t now_ns)
{
	return semaphores_try(semaphores) || semaphores_take_over(semaphores, now_ns);
}
