/* SPDX-License-Identifier: Apache-2.0 */
/* Rings and semaphores by their channel's number, as version 1 names them. */
#ifndef VSHM_CHANNELS_H
#define VSHM_CHANNELS_H

#include <stdbool.h>

#include "video_shm.h"

/* "/video_stream_chN"; one buffer for all. */
const char *channel_ring(int channel);
void open_channel_producer(video_shm_producer_t *producer, int channel);
/* As a program of the first version does it. */
void open_channel_consumer(video_shm_consumer_t *consumer, int channel);

bool semaphores_exist(int channel);
/* Where the C library keeps a channel's semaphore: its stem is "video_sem_write" or "video_sem_read". */
const char *semaphore_path(const char *stem, int channel);

#endif
