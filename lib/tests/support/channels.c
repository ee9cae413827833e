/* SPDX-License-Identifier: Apache-2.0 */
#include "channels.h"

#include <semaphore.h>

#include "check.h"

const char *channel_ring(int channel)
{
	static char name[64];

	(void)snprintf(name, sizeof(name), VIDEO_SHM_NAME "_ch%d", channel);
	return name;
}

void open_channel_producer(video_shm_producer_t *producer, int channel)
{
	CHECK_EQ(video_shm_producer_init_channel(producer, channel), 0);
}

void open_channel_consumer(video_shm_consumer_t *consumer, int channel)
{
	CHECK_EQ(video_shm_consumer_init_channel(consumer, channel), 0);
}

bool semaphores_exist(int channel)
{
	const char *const stems[] = {VIDEO_SHM_SEM_WRITE, VIDEO_SHM_SEM_READ};
	bool there = false;

	for (int at = 0; at < 2; at++) {
		char name[64];
		sem_t *semaphore;

		(void)snprintf(name, sizeof(name), "%s_ch%d", stems[at], channel);
		semaphore = sem_open(name, 0);
		if (semaphore == SEM_FAILED)
			continue;
		(void)sem_close(semaphore);
		there = true;
	}
	return there;
}

const char *semaphore_path(const char *stem, int channel)
{
	static char path[96];

#ifdef __GLIBC__
	(void)snprintf(path, sizeof(path), "/dev/shm/sem.%s_ch%d", stem, channel);
#else
	(void)snprintf(path, sizeof(path), "/dev/shm/%s_ch%d", stem, channel);
#endif
	return path;
}
