/* SPDX-License-Identifier: Apache-2.0 */
#include "succession.h"

#include <sys/stat.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "v1/v1.h"

#define OURS_AS_ORIGINAL 0
#define OURS_WITH_OPTIONS 1

static struct story *story;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];

/* Whole, of a life not before the last one, and in order; for ours none between is left out. Of version 1 it
 * may be the same once more: its index and its count are two words, and a writer may lose its turn between
 * them. */
static void enter(uint32_t reader, const uint8_t *frame, uint32_t size, uint32_t life, uint32_t number,
				  uint32_t *latest, uint32_t *next)
{
	CHECK_EQ(size, FRAME_BYTES);
	CHECK(life < LIVES);
	CHECK(has_pattern(frame, size, pattern_key(number, life)));
	CHECK(life >= *latest);
	if (life > *latest)
		*next = 0;
	*latest = life;
	if (reader < OF_OURS)
		CHECK_EQ(number, *next);
	else
		CHECK(number + 1 >= *next);
	*next = number + 1;
	atomic_fetch_add(&story->got[reader][life], 1);
}

static void read_as_ours(uint32_t reader)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .reconnect = 1, .name = channel_ring(story->channel)};
	uint32_t latest = 0, next = 0, received = 0;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	video_shm_info_t info;

	while ((reader == OURS_AS_ORIGINAL ? video_shm_consumer_init_channel(&consumer, story->channel)
									   : video_shm_consumer_open(&consumer, &options)) != 0)
		sleep_ms(2);
	atomic_fetch_add(&story->joined, 1);
	while (!atomic_load(&story->over)) {
		const int size = video_shm_consumer_wait(&consumer, data, &meta, 20);

		if (size > 0) {
			enter(reader, data, (uint32_t)size, meta.width, meta.height, &latest, &next);
			received++;
		}
		CHECK(size >= 0 || (reader == OURS_WITH_OPTIONS && (errno == EPIPE || errno == EOWNERDEAD)));
	}
	info = info_of(&consumer);
	CHECK_EQ(info.received, received);
	CHECK_EQ(info.skipped, 0);
	CHECK_EQ(info.span, info.received + info.missed);
	for (uint32_t life = 0; life < LIVES; life++) /* one that came and went between two looks leaves a gap */
		if (atomic_load(&story->got[reader][life]) == 0)
			return;
	CHECK_EQ(info.missed, 0);
}

/*
 * Returns the ring's inode, or 0 if there is none, or a version 1 writer is just making it and touching it
 * is SIGBUS.
 */
static ino_t inode(void)
{
	struct stat status;

	return stat(shm_path(channel_ring(story->channel)), &status) == 0 && status.st_size > 0 ? status.st_ino
																							: 0;
}

/* Reads as a user of version 1 would, who starts it again when the ring is another one. */
static void read_as_v1(uint32_t reader)
{
	uint32_t latest = 0, next = 0;
	struct v1_reader old;
	struct v1_meta meta;
	bool first = true;

	while (!atomic_load(&story->over)) {
		const ino_t joined = inode();

		if (joined == 0 || v1_reader_init(&old, story->channel) != 0) {
			sleep_ms(2);
			continue;
		}
		if (first)
			atomic_fetch_add(&story->joined, 1);
		first = false;
		do {
			const int size = v1_reader_wait(&old, data, &meta, 20);

			CHECK(size >= 0 || errno == EINTR);
			if (size > 0)
				enter(reader, data, (uint32_t)size, meta.width, meta.height, &latest, &next);
		} while (inode() == joined && !atomic_load(&story->over));
		v1_reader_destroy(&old);
	}
}

void succession_read(struct story *of, uint32_t reader)
{
	story = of;
	if (reader < OF_OURS)
		read_as_ours(reader);
	else
		read_as_v1(reader);
}
