/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only ring has two names, /video_stream and, with the original's newest version, /video_stream_ch0. A
 * reader of the original's calls joins either, and finds its successor under either. In a /dev/shm of its
 * own.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "processes.h"
#include "v1/v1.h"

#define FRAME_BYTES 500u
#define OLDER VIDEO_SHM_NAME
#define NEWER VIDEO_SHM_NAME "_ch0"
#define NEWER_CHANNEL 0

static video_shm_producer_t writer, second;
static video_shm_consumer_t reader;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];

static void begin(void)
{
	if (!have_own_shm("200m"))
		skip_test("needs a /dev/shm of its own: run it as root");
}

/* Checks that these frames come in order, and nothing behind them. */
static void gets(uint64_t from, uint64_t to)
{
	video_frame_meta_t meta;

	for (uint64_t frame = from; frame < to; frame++) {
		int size = 0;

		while ((size = video_shm_consumer_wait(&reader, data, &meta, 5000)) == 0) {
		}
		CHECK_EQ(size, FRAME_BYTES);
		CHECK_EQ(meta.sequence, frame);
		CHECK(has_pattern(data, FRAME_BYTES, frame));
	}
	CHECK_EQ(video_shm_consumer_read(&reader, data, &meta), 0);
}

static void gets_nothing_for(uint32_t timeout_ms)
{
	video_frame_meta_t meta;

	CHECK_EQ(video_shm_consumer_wait(&reader, data, &meta, timeout_ms), 0);
}

static void books_are(uint64_t received, uint64_t missed, uint64_t reattached)
{
	const video_shm_info_t info = info_of(&reader);

	CHECK_EQ(info.received, received);
	CHECK_EQ(info.missed, missed);
	CHECK_EQ(info.skipped, 0);
	CHECK_EQ(info.span, received + missed);
	CHECK_EQ(info.reattached, reattached);
}

static void write_and_wait_to_be_killed(void *name)
{
	video_shm_producer_t own;

	open_producer(&own, name);
	write_patterns(&own, 0, 5, FRAME_BYTES, 10);
	(void)pause();
}

/* Its ring stays behind. */
static void die_as_writer_of(const char *name)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};
	const pid_t pid = start_child(write_and_wait_to_be_killed, (void *)(uintptr_t)name);

	while (video_shm_inspect(name, &info) != 0 || info.frames < 5)
		sleep_ms(5);
	kill_child(pid);
}

static void either_name_is_joined_and_the_older_first(void)
{
	begin();
	CHECK_FAILS(video_shm_consumer_init(&reader), ENOENT);
	open_producer(&writer, NEWER);
	CHECK_EQ(video_shm_consumer_init(&reader), 0);
	write_patterns(&writer, 0, 3, FRAME_BYTES, 10);
	gets(0, 3);
	video_shm_consumer_destroy(&reader);
	open_producer(&second, OLDER);
	CHECK_EQ(video_shm_consumer_init(&reader), 0);
	write_patterns(&second, 0, 3, FRAME_BYTES, 10);
	gets(0, 3);
	video_shm_consumer_destroy(&reader);
	video_shm_producer_destroy(&second);
	video_shm_producer_destroy(&writer);
	CHECK_FAILS(video_shm_consumer_init(&reader), ENOENT);
}

/* A channel's reader, and one with options, has the one name that it was told. */
static void others_look_for_no_second_name(void)
{
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options), .reconnect = 1};

	begin();
	open_producer(&writer, NEWER);
	CHECK_FAILS(video_shm_consumer_open(&reader, NULL), ENOENT);
	CHECK_FAILS(video_shm_consumer_open(&reader, &options), ENOENT);
	CHECK_FAILS(video_shm_consumer_init_channel(&reader, 1), ENOENT);
	video_shm_producer_destroy(&writer);
	open_producer(&writer, OLDER);
	CHECK_FAILS(video_shm_consumer_init_channel(&reader, NEWER_CHANNEL), ENOENT);
	video_shm_producer_destroy(&writer);
}

/* The older writer goes, the newer comes, and the other way round, with nothing lost in between. */
static void the_next_ring_is_found_under_either_name(void)
{
	const char *const names[] = {NEWER, OLDER, OLDER, NEWER, NEWER, OLDER};
	uint64_t received = 2;

	begin();
	open_producer(&writer, OLDER);
	CHECK_EQ(video_shm_consumer_init(&reader), 0);
	write_patterns(&writer, 0, 2, FRAME_BYTES, 10);
	gets(0, 2);
	for (unsigned turn = 0; turn < 6; turn++) {
		video_shm_producer_destroy(&writer);
		gets_nothing_for(50);
		open_producer(&writer, names[turn]);
		write_patterns(&writer, 0, 20, FRAME_BYTES, 10);
		gets(0, 20);
		received += 20;
		books_are(received, 0, turn + 1);
	}
	video_shm_consumer_destroy(&reader);
	video_shm_producer_destroy(&writer);
}

static void a_dead_writers_ring_keeps_nobody_from_the_other_name(void)
{
	begin();
	die_as_writer_of(OLDER);
	CHECK_EQ(video_shm_consumer_init(&reader), 0);
	gets_nothing_for(1200);
	open_producer(&writer, NEWER);
	write_patterns(&writer, 0, 7, FRAME_BYTES, 10);
	gets(0, 7);
	books_are(7, 0, 1);
	video_shm_producer_destroy(&writer);
	video_shm_consumer_destroy(&reader);
}

/* What somebody left there before is no successor: its frames are old. */
static void a_ring_where_nothing_happens_is_left_alone(void)
{
	begin();
	die_as_writer_of(NEWER);
	open_producer(&writer, OLDER);
	CHECK_EQ(video_shm_consumer_init(&reader), 0);
	write_patterns(&writer, 0, 2, FRAME_BYTES, 10);
	gets(0, 2);
	video_shm_producer_destroy(&writer);
	gets_nothing_for(1000);
	books_are(2, 0, 0);
	/* Its next writer takes it over as it lies. */
	open_producer(&writer, NEWER);
	write_patterns(&writer, 5, 8, FRAME_BYTES, 10);
	gets(5, 8);
	books_are(5, 0, 1);
	video_shm_producer_destroy(&writer);
	video_shm_consumer_destroy(&reader);
}

/* As long as ours lives, what comes under the other name is somebody else's; once it has ended, only what is
 * written from then on is ours. */
static void a_second_camera_is_gone_over_to_at_the_end_only_and_from_there_on(void)
{
	video_frame_meta_t meta;
	uint64_t frame = 5;

	begin();
	open_producer(&writer, OLDER);
	CHECK_EQ(video_shm_consumer_init(&reader), 0);
	open_producer(&second, NEWER);
	write_patterns(&second, 0, frame, FRAME_BYTES, 10);
	gets_nothing_for(1200);
	write_patterns(&writer, 0, 2, FRAME_BYTES, 10);
	gets(0, 2);
	gets_nothing_for(600);
	video_shm_producer_destroy(&writer);
	while (video_shm_consumer_wait(&reader, data, &meta, 20) == 0) {
		write_patterns(&second, frame, frame + 1, FRAME_BYTES, 10);
		frame++;
	}
	CHECK(meta.sequence >= 5);
	CHECK(info_of(&reader).next_frame == meta.sequence + 1);
	for (uint64_t next = meta.sequence + 1; next < frame; next++) {
		CHECK_EQ(video_shm_consumer_read(&reader, data, &meta), FRAME_BYTES);
		CHECK_EQ(meta.sequence, next);
	}
	CHECK_EQ(info_of(&reader).missed, 0);
	CHECK_EQ(info_of(&reader).reattached, 1);
	video_shm_consumer_destroy(&reader);
	video_shm_producer_destroy(&second);
}

static void write_v1(struct v1_writer *old, uint32_t frames)
{
	static uint8_t payload[FRAME_BYTES];
	const struct v1_meta meta = {.is_keyframe = 1};

	for (uint32_t frame = 0; frame < frames; frame++) {
		fill_pattern(payload, sizeof(payload), old->sequence);
		CHECK_EQ(v1_writer_write(old, payload, sizeof(payload), &meta), 0);
	}
}

static void be_killed_as_v1(void *unused)
{
	struct v1_writer old;

	(void)unused;
	CHECK_EQ(v1_writer_init(&old, V1_NO_CHANNEL, 0), 0);
	write_v1(&old, 3);
	(void)pause();
}

/* Whether such a writer lives can't be asked: that it is silent has to do. */
static void version_1_writers_follow_each_other_under_either_name(void)
{
	struct v1_writer next;
	pid_t pid;

	begin();
	pid = start_child(be_killed_as_v1, NULL);
	while (video_shm_consumer_init(&reader) != 0 || info_of(&reader).frames < 3) {
		video_shm_consumer_destroy(&reader);
		sleep_ms(5);
	}
	video_shm_consumer_destroy(&reader); /* it may have joined before the last of them */
	CHECK_EQ(video_shm_consumer_init(&reader), 0);
	kill_child(pid);
	gets_nothing_for(100);
	CHECK_EQ(v1_writer_init(&next, NEWER_CHANNEL, 0), 0);
	write_v1(&next, 4);
	gets(0, 4);
	books_are(4, 0, 1);
	v1_writer_destroy(&next);
	CHECK_EQ(v1_writer_init(&next, V1_NO_CHANNEL, 0), 0);
	write_v1(&next, 6);
	gets(0, 6);
	books_are(10, 0, 2);
	v1_writer_destroy(&next);
	video_shm_consumer_destroy(&reader);
}

/* A program that has as many descriptors as it may have. */
static void the_other_name_is_found_without_a_descriptor_left(void)
{
	video_frame_meta_t meta;
	struct rlimit limit;
	uint64_t frame = 0;

	begin();
	open_producer(&writer, OLDER);
	open_producer(&second, NEWER);
	CHECK_EQ(video_shm_consumer_init(&reader), 0);
	write_patterns(&writer, 0, 2, FRAME_BYTES, 10);
	gets(0, 2);
	video_shm_producer_destroy(&writer);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(close((int)limit.rlim_cur), 0);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0); /* all below it are taken */
	while (video_shm_consumer_wait(&reader, data, &meta, 20) == 0) {
		write_patterns(&second, frame, frame + 1, FRAME_BYTES, 10);
		frame++;
	}
	CHECK_EQ(info_of(&reader).reattached, 1);
	video_shm_consumer_destroy(&reader);
	video_shm_producer_destroy(&second);
}

TEST_MAIN(120, TEST(either_name_is_joined_and_the_older_first), TEST(others_look_for_no_second_name),
		  TEST(the_next_ring_is_found_under_either_name),
		  TEST(a_dead_writers_ring_keeps_nobody_from_the_other_name),
		  TEST(a_ring_where_nothing_happens_is_left_alone),
		  TEST(a_second_camera_is_gone_over_to_at_the_end_only_and_from_there_on),
		  TEST(version_1_writers_follow_each_other_under_either_name),
		  TEST(the_other_name_is_found_without_a_descriptor_left))
