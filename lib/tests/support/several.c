/* SPDX-License-Identifier: Apache-2.0 */
#include "several.h"

#include "check.h"
#include "frames.h"

struct several rings[SEVERAL_MAX];
video_shm_consumer_t *consumers[SEVERAL_MAX];
uint32_t count, at;
video_frame_meta_t meta;

static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];

void open_rings(uint32_t how_many, video_shm_consumer_options_t options)
{
	options.struct_size = sizeof(options);
	for (uint32_t ring = 0; ring < count; ring++) {
		video_shm_consumer_destroy(&rings[ring].consumer);
		video_shm_producer_destroy(&rings[ring].producer);
	}
	at = 0;
	for (count = 0; count < how_many; count++) {
		struct several *ring = &rings[count];

		if (ring->name == NULL)
			ring->name = fresh_name();
		options.name = ring->name;
		CHECK_EQ(open_small_producer(&ring->producer, ring->name), 0);
		CHECK_EQ(video_shm_consumer_open(&ring->consumer, &options), 0);
		consumers[count] = &ring->consumer;
	}
}

void open_plain(uint32_t how_many)
{
	open_rings(how_many, (video_shm_consumer_options_t){0});
}

void write_to(uint32_t ring, uint64_t frame, bool keyframe)
{
	CHECK_EQ(write_pattern(&rings[ring].producer, frame, SEVERAL_SIZE, keyframe), 0);
}

int wait_any(uint32_t timeout_ms)
{
	return video_shm_consumer_wait_any(consumers, count, timeout_ms, &at);
}

int take(uint32_t ring)
{
	return video_shm_consumer_receive(consumers[ring], data, sizeof(data), &meta, VIDEO_SHM_NO_WAIT);
}

void gets(uint32_t ring, uint32_t frame)
{
	CHECK_EQ(wait_any(20000), 1);
	CHECK_EQ(at, ring);
	CHECK_EQ(take(ring), SEVERAL_SIZE);
	CHECK_EQ(meta.sequence, frame);
	CHECK(has_pattern(data, SEVERAL_SIZE, frame));
}
