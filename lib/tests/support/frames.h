/* SPDX-License-Identifier: Apache-2.0 */
/* Frames whose bytes tell their number, and handles to write and read them. */
#ifndef VSHM_FRAMES_H
#define VSHM_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "video_shm.h"

/* Fills a payload that tells by itself which frame it belongs to, and whether it is torn. */
void fill_pattern(uint8_t *data, uint32_t size, uint64_t frame);
/* Returns whether data is the pattern of that frame, from the first byte to the last. */
bool has_pattern(const uint8_t *data, uint32_t size, uint64_t frame);

/* Opens with the options that most tests want, and checks that it works. */
void open_producer(video_shm_producer_t *producer, const char *name);
void open_consumer(video_shm_consumer_t *consumer, const char *name);
/* Opens with 4 slots of 4096 bytes, which may be refused. Returns what open returns. */
int open_small_producer(video_shm_producer_t *producer, const char *name);
/* Writes a patterned frame of that number and size. Returns what write returns. */
int write_pattern(video_shm_producer_t *producer, uint64_t frame, uint32_t size, bool keyframe);
/* Writes those frames, one of keyframe_every being a keyframe, and checks that it works. */
void write_patterns(video_shm_producer_t *producer, uint64_t from, uint64_t to, uint32_t size,
					unsigned keyframe_every);
video_shm_info_t info_of(video_shm_consumer_t *consumer);

/* Joins a ring whose writer may still be starting. */
void join_ring(video_shm_consumer_t *consumer, const video_shm_consumer_options_t *options);

/* Returns the number of a pattern that tells a frame and something more (the epoch, the thread). */
uint64_t pattern_key(uint64_t frame, uint32_t salt);

/* Writes a frame of that pattern whose width is the salt. Returns what write returns. */
int write_salted(video_shm_producer_t *producer, uint64_t frame, uint32_t salt, uint32_t size, bool keyframe);

/* A frame as a reader got it is what write_salted made of its number. */
bool is_salted(const uint8_t *data, const video_frame_meta_t *meta);

#endif
