/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the original's header gives its programs, written down from what they need of it: its names, its
 * calls, and handles of its sizes. A program that is built against this one is as the original's own, which
 * know nothing of ours and are not built anew.
 */
#ifndef VIDEO_SHM_H
#define VIDEO_SHM_H

#include <stdint.h>

#define VIDEO_SHM_NAME "/video_stream"
#define VIDEO_SHM_SEM_WRITE "/video_sem_write"
#define VIDEO_SHM_SEM_READ "/video_sem_read"
#define VIDEO_SHM_RING_SIZE 30
#define VIDEO_SHM_MAX_FRAME_SIZE (512 * 1024)
#define VIDEO_SHM_MAGIC 0x56494445
#define VIDEO_SHM_VERSION 1

typedef struct {
	uint64_t timestamp_ms;
	uint32_t size;
	uint32_t sequence;
	uint8_t is_keyframe;
	uint8_t codec;
	uint16_t width;
	uint16_t height;
	uint8_t fps;
	uint8_t reserved[5];
} video_frame_meta_t;

/* A reader's is of 240 bytes where pointers have eight. Elsewhere it is not known: pointers and words, half
 * of it at the least. A writer's is taken to be four pointers, which no writer can do with less than. */
typedef struct {
	void *opaque[4];
} video_shm_producer_t;

typedef struct {
	void *opaque[30];
} video_shm_consumer_t;

int video_shm_producer_init(video_shm_producer_t *producer);
int video_shm_producer_init_channel(video_shm_producer_t *producer, int channel);
int video_shm_producer_write(video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
							 const video_frame_meta_t *meta);
void video_shm_producer_destroy(video_shm_producer_t *producer);

int video_shm_consumer_init(video_shm_consumer_t *consumer);
int video_shm_consumer_init_channel(video_shm_consumer_t *consumer, int channel);
int video_shm_consumer_read(video_shm_consumer_t *consumer, uint8_t *data, video_frame_meta_t *meta);
int video_shm_consumer_wait(video_shm_consumer_t *consumer, uint8_t *data, video_frame_meta_t *meta,
							uint32_t timeout_ms);
int video_shm_consumer_stats(video_shm_consumer_t *consumer, uint32_t *total_frames, uint32_t *dropped_frames,
							 uint32_t *missed_frames);
void video_shm_consumer_destroy(video_shm_consumer_t *consumer);

#endif
