/* SPDX-License-Identifier: Apache-2.0 */
/* Several rings, each with a writer and a reader, and one thread that waits for all of the readers. */
#ifndef VSHM_SEVERAL_H
#define VSHM_SEVERAL_H

#include "video_shm.h"

#include <stdbool.h>

#define SEVERAL_MAX 200u /* more than the kernel lets a thread sleep on */
#define SEVERAL_SIZE 100 /* bytes of a frame */

struct several {
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	const char *name;
};

extern struct several rings[SEVERAL_MAX];
extern video_shm_consumer_t *consumers[SEVERAL_MAX];
extern uint32_t count; /* of open rings */
extern uint32_t at;    /* index of the last wait */
extern video_frame_meta_t meta;

/* Opens so many rings, whose readers have those options. What was open before is closed. */
void open_rings(uint32_t how_many, video_shm_consumer_options_t options);
void open_plain(uint32_t how_many);

void write_to(uint32_t ring, uint64_t frame, bool keyframe);
int wait_any(uint32_t timeout_ms);
/* Receives from that ring without waiting. */
int take(uint32_t ring);
/* Waits, expects that frame of that ring, and takes it. */
void gets(uint32_t ring, uint32_t frame);

#endif
