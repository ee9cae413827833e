/* SPDX-License-Identifier: Apache-2.0 */
/* Rings and semaphores by their channel's number, as version 1 names them. */
#ifndef VSHM_CHANNELS_H
#define VSHM_CHANNELS_H

#include <stdbool.h>

#include "video_shm.h"

/* Returns "/video_stream_chN", in one buffer for all calls. */
const char *channel_ring(int channel);
void open_channel_producer(video_shm_producer_t *producer, int channel);
/* Joins as a version 1 program does. */
void open_channel_consumer(video_shm_consumer_t *consumer, int channel);

bool semaphores_exist(int channel);
/* Returns the path of a channel's semaphore; stem is "video_sem_write" or "video_sem_read". */
const char *semaphore_path(const char *stem, int channel);

#endif
