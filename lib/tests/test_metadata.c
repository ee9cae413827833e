/* SPDX-License-Identifier: Apache-2.0 */
/* What travels with a frame, from whoever writes it to whoever reads it or looks at it; and what is told of a
 * ring. */
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"

#define MINUTE_MS 60000

static video_shm_producer_t producer;
static video_shm_consumer_t consumer;
static video_shm_view_t view = {.struct_size = sizeof(view)};
static const char *name;

/* A ring of sound, which has every figure that a ring of pictures has. */
static void open_both(void)
{
	const video_shm_producer_options_t options = {.struct_size = sizeof(options),
												  .slots = 4,
												  .slot_size = 1000,
												  .mode = 0640,
												  .media = VIDEO_SHM_MEDIA_AUDIO,
												  .name = name = fresh_name()};

	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	open_consumer(&consumer, name);
}

static void close_both(void)
{
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

static void is_sample(const video_frame_meta_t *meta, uint32_t size, uint32_t sequence)
{
	CHECK_EQ(meta->timestamp_ms, 1234567890123);
	CHECK(meta->size == size && meta->sequence == sequence);
	CHECK(meta->is_keyframe == 1 && meta->codec == VIDEO_SHM_CODEC_OPUS);
	CHECK(meta->width == 960 && meta->height == 2 && meta->fps == 50);
	for (size_t at = 0; at < sizeof(meta->reserved); at++)
		CHECK_EQ(meta->reserved[at], at + 1);
}

static const video_frame_meta_t sample = {.timestamp_ms = 1234567890123,
										  .size = 77, /* the library's to set, and sequence too */
										  .sequence = 88,
										  .is_keyframe = 1,
										  .codec = VIDEO_SHM_CODEC_OPUS,
										  .width = 960,
										  .height = 2,
										  .fps = 50,
										  .reserved = {1, 2, 3, 4, 5}};

static void commit(const video_frame_timing_t *timing)
{
	uint32_t capacity;
	uint8_t *slot;

	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	memset(slot, 5, 10);
	CHECK_EQ(video_shm_producer_commit(&producer, 10, &sample, timing), 0);
}

/* As commit, in one call. */
static void write_timed(const video_frame_timing_t *timing)
{
	const uint8_t data[10] = {5, 5, 5, 5, 5, 5, 5, 5, 5, 5};

	CHECK_EQ(video_shm_producer_write_timed(&producer, data, 10, &sample, timing), 0);
}

static void acquire(void)
{
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 1000), 10);
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
}

static void every_field_arrives(void (*write)(const video_frame_timing_t *))
{
	const video_frame_timing_t timing = {.capture_ns = 7,
										 .flags = VIDEO_SHM_FLAG_CORRUPT | VIDEO_SHM_FLAG_CAPTURE_DRIVER |
												  VIDEO_SHM_FLAG_DISCONTINUITY |
												  VIDEO_SHM_FLAG_RECOVERY_POINT};
	video_shm_slot_t slots[2] = {{.struct_size = sizeof(slots[0])}};
	uint64_t before;

	open_both();
	before = now_ns();
	write(&timing);
	acquire();
	is_sample(&view.meta, 10, 0);
	CHECK_EQ(view.flags, timing.flags | VIDEO_SHM_FLAG_KEYFRAME);
	CHECK_EQ(view.capture_ns, 7);
	CHECK(view.publish_ns >= before && view.publish_ns <= now_ns());
	CHECK_EQ(video_shm_inspect_slots(name, slots, 2), 2);
	is_sample(&slots[0].meta, 10, 0);
	CHECK(slots[0].flags == view.flags && slots[0].capture_ns == 7);
	CHECK_EQ(slots[0].publish_ns, view.publish_ns);
	close_both();
}

static void every_field_arrives_as_it_was_given(void)
{
	every_field_arrives(commit);
	every_field_arrives(write_timed);
}

static void what_is_not_given_is_now(void)
{
	const video_frame_meta_t undated = {.is_keyframe = 0};
	const video_frame_timing_t empty = {0};
	const uint8_t byte = 1;
	struct timespec wall;
	uint64_t before;

	open_both();
	before = now_ns();
	commit(&empty);
	acquire();
	CHECK_EQ(view.flags, VIDEO_SHM_FLAG_KEYFRAME);
	CHECK(view.capture_ns >= before && view.capture_ns <= view.publish_ns);
	commit(NULL);
	acquire();
	CHECK(view.capture_ns >= before && view.capture_ns <= view.publish_ns);
	write_timed(NULL);
	acquire();
	CHECK(view.capture_ns >= before && view.capture_ns <= view.publish_ns);
	CHECK_EQ(video_shm_producer_write(&producer, &byte, 1, &undated), 0);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 1000), 1);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &wall), 0);
	/* In ms; a minute is far more than a stall, and far less than any wrong unit or epoch. */
	CHECK(llabs((long long)view.meta.timestamp_ms - (long long)wall.tv_sec * 1000) < MINUTE_MS);
	CHECK(view.flags == 0 && view.capture_ns >= before);
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	close_both();
}

/* Three looks at one ring: of its writer, of its reader, and from outside. */
static void look(unsigned from, video_shm_info_t *info)
{
	*info = (video_shm_info_t){.struct_size = sizeof(*info)};
	if (from == 0)
		CHECK_EQ(video_shm_producer_info(&producer, info), 0);
	else if (from == 1)
		CHECK_EQ(video_shm_consumer_info(&consumer, info), 0);
	else
		CHECK_EQ(video_shm_inspect(name, info), 0);
}

static void a_ring_is_told_of_alike_from_all_sides(void)
{
	const uint64_t begin_ns = now_ns();
	struct timespec wall;
	struct stat status;
	video_shm_info_t info;

	open_both();
	commit(NULL);
	acquire();
	CHECK_EQ(stat(shm_path(name), &status), 0);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &wall), 0);
	for (unsigned from = 0; from < 3; from++) {
		look(from, &info);
		CHECK(info.version == 2 && info.extended == 1 && info.state == VIDEO_SHM_STATE_LIVE);
		CHECK(info.media == VIDEO_SHM_MEDIA_AUDIO && info.slots == 4 && info.slot_size == 1000);
		CHECK(info.epoch == 1 && info.writer_pid == (uint32_t)getpid() && info.writer_start > 0);
		CHECK(info.object_bytes == (uint64_t)status.st_size && info.inode == status.st_ino);
		CHECK(info.mode == 0640 && info.uid == status.st_uid && info.gid == status.st_gid);
		CHECK(info.frames == 1 && info.keyframes == 1 && info.bytes == 10 && info.dropped == 0);
		CHECK(info.v1_readers == 0 && info.v1_signals == 0 && info.remade == 0 && info.rearmed == 0);
		CHECK(llabs(info.realtime_offset_ns / 1000000 + (long long)(now_ns() / 1000000) -
					(long long)wall.tv_sec * 1000) < MINUTE_MS);
		CHECK(info.last_publish_ns >= begin_ns && info.last_publish_ns <= now_ns());
		CHECK_EQ(info.received, from == 1);
		CHECK_EQ(info.span, from == 1);
	}
	close_both();
}

TEST_MAIN(20, TEST(every_field_arrives_as_it_was_given), TEST(what_is_not_given_is_now),
		  TEST(a_ring_is_told_of_alike_from_all_sides))
