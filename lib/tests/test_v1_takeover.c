/* SPDX-License-Identifier: Apache-2.0 */
/* A name that goes from a writer of version 1 to one of ours, and the other way. */
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "v1/v1.h"

static uint8_t data[V1_CAPACITY];

static void write_v1(struct v1_writer *writer)
{
	static uint8_t payload[1000];
	const struct v1_meta meta = {.is_keyframe = 1};

	v1_fill(payload, sizeof(payload), writer->sequence);
	CHECK_EQ(v1_writer_write(writer, payload, sizeof(payload), &meta), 0);
}

static void next_is(video_shm_consumer_t *consumer, uint32_t sequence)
{
	video_frame_meta_t meta;

	CHECK(video_shm_consumer_wait(consumer, data, &meta, 5000) > 0);
	CHECK_EQ(meta.sequence, sequence);
}

static ino_t inode_of(int channel)
{
	struct stat status;

	CHECK_EQ(stat(shm_path(channel_ring(channel)), &status), 0);
	return status.st_ino;
}

/* Writes until the writer has looked at its name and fails. Returns what write returned last. */
static int write_until_it_fails(video_shm_producer_t *producer)
{
	const uint8_t byte = 1;
	const video_frame_meta_t meta = {.is_keyframe = 1};

	while (video_shm_producer_write(producer, &byte, 1, &meta) == 0)
		sleep_ms(10);
	return errno;
}

/* The original's callers know of no end, only of frames that do not come. */
static void told_nothing(video_shm_consumer_t *consumer)
{
	video_frame_meta_t meta;

	CHECK_EQ(video_shm_consumer_wait(consumer, data, &meta, VIDEO_SHM_NO_WAIT), 0);
	CHECK_EQ(video_shm_consumer_wait(consumer, data, &meta, 20), 0);
}

/* A version 1 writer unlinks its ring when it goes: its readers would wait for ever. */
static void a_version_1_writer_that_leaves_is_noticed_and_ours_is_found(void)
{
	const int channel = fresh_channel();
	struct v1_writer old;
	video_shm_consumer_t consumer;
	video_shm_producer_t next;

	CHECK_EQ(v1_writer_init(&old, channel, 0), 0);
	open_channel_consumer(&consumer, channel);
	write_v1(&old);
	v1_writer_destroy(&old);
	next_is(&consumer, 0); /* what was written is handed out first */
	told_nothing(&consumer);
	open_channel_producer(&next, channel);
	CHECK_EQ(write_pattern(&next, 0, 100, true), 0);
	next_is(&consumer, 0);
	CHECK_EQ(info_of(&consumer).reattached, 1);
	CHECK_EQ(info_of(&consumer).state, VIDEO_SHM_STATE_LIVE);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&next);
}

static void a_version_1_writer_that_leaves_is_noticed_and_the_next_one_is_found(void)
{
	const int channel = fresh_channel();
	struct v1_writer old, next;
	video_shm_consumer_t consumer;

	CHECK_EQ(v1_writer_init(&old, channel, 0), 0);
	open_channel_consumer(&consumer, channel);
	write_v1(&old);
	next_is(&consumer, 0);
	v1_writer_destroy(&old);
	told_nothing(&consumer);
	CHECK_EQ(v1_writer_init(&next, channel, UINT32_C(0xf0000000)), 0);
	write_v1(&next);
	/* All that it holds is new to us; what comes then does not depend on how far it has counted. */
	for (uint32_t back = 29; back > 0; back--)
		next_is(&consumer, UINT32_C(0xf0000001) - back);
	CHECK_EQ(info_of(&consumer).next_frame, UINT32_C(0xf0000001));
	video_shm_consumer_destroy(&consumer);
	v1_writer_destroy(&next);
}

static void without_reconnect_the_end_is_final(void)
{
	const int channel = fresh_channel();
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options),
												  .name = channel_ring(channel)};
	struct v1_writer old;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;

	CHECK_EQ(v1_writer_init(&old, channel, 0), 0);
	CHECK_EQ(video_shm_consumer_open(&consumer, &options), 0);
	v1_writer_destroy(&old);
	CHECK_FAILS(video_shm_consumer_wait(&consumer, data, &meta, 10000), EPIPE);
	CHECK_FAILS(video_shm_consumer_wait(&consumer, data, &meta, 10000), EPIPE);
	video_shm_consumer_destroy(&consumer);
}

/* The one who was there first must not fight for the name, nor remove what is no longer his when he goes. */
static void a_version_1_writer_that_takes_our_name_is_left_alone(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t producer;
	struct v1_writer thief;
	struct v1_reader reader;
	struct v1_meta meta;
	ino_t inode;

	open_channel_producer(&producer, channel);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	CHECK_EQ(v1_writer_init(&thief, channel, 0), 0);
	inode = inode_of(channel);
	CHECK_EQ(write_until_it_fails(&producer), ESTALE);
	CHECK_EQ(write_until_it_fails(&producer), ESTALE);
	CHECK_EQ(v1_reader_init(&reader, channel), 0);
	video_shm_producer_destroy(&producer);
	CHECK_EQ(inode_of(channel), inode);
	CHECK_EQ(atomic_load(&thief.ring->frame_count), 0);
	write_v1(&thief);
	CHECK_EQ(v1_reader_wait(&reader, data, &meta, 5000), 1000);
	v1_reader_destroy(&reader);
	CHECK_EQ(v1_reader_init(&reader, channel), 0); /* the semaphores still have their names */
	v1_reader_destroy(&reader);
	v1_writer_destroy(&thief);
}

/* Our reader must not stay with the old ring, though that one's writer still lives and says nothing. */
static void our_reader_goes_over_to_a_version_1_writer_that_took_the_name(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t producer;
	struct v1_writer thief;
	video_shm_consumer_t consumer;

	open_channel_producer(&producer, channel);
	open_channel_consumer(&consumer, channel);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	next_is(&consumer, 0);
	CHECK_EQ(v1_writer_init(&thief, channel, 0), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &(video_frame_meta_t){0}, 1000), 0);
	for (uint32_t frame = 0; frame < 10; frame++) {
		write_v1(&thief);
		next_is(&consumer, frame);
	}
	CHECK_EQ(info_of(&consumer).reattached, 1);
	CHECK_EQ(info_of(&consumer).extended, 0);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	v1_writer_destroy(&thief);
}

static void write_and_die_with_the_semaphore(void *argument)
{
	struct v1_writer writer;

	CHECK_EQ(v1_writer_init(&writer, *(const int *)argument, 0), 0);
	for (int frame = 0; frame < 40; frame++)
		write_v1(&writer);
	CHECK_EQ(sem_trywait(writer.write), 0);
	(void)raise(SIGKILL);
}

/* A version 1 writer that was killed leaves ring, semaphores, tokens, and the write semaphore taken. */
static void our_writer_takes_over_what_a_version_1_writer_left(void)
{
	const int channel = fresh_channel();
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	struct v1_reader reader;
	struct v1_meta meta;

	(void)await_child(start_child(write_and_die_with_the_semaphore, &(int){channel}));
	open_channel_consumer(&consumer, channel);
	open_channel_producer(&producer, channel);
	CHECK_EQ(v1_reader_init(&reader, channel), 0);
	CHECK_EQ(write_pattern(&producer, 40, 100, true), 0);
	CHECK_EQ(v1_reader_wait(&reader, data, &meta, 5000), 100);
	CHECK_EQ(meta.sequence, 40);
	CHECK_EQ(v1_reader_wait(&reader, data, &meta, 20), 0);
	CHECK_EQ(reader.empty, 0); /* the 40 tokens are gone */
	CHECK_EQ(video_shm_producer_info(&producer, &info), 0);
	CHECK_EQ(info.rearmed, 1);
	CHECK_EQ(info.frames, 41);
	next_is(&consumer, 40);
	v1_reader_destroy(&reader);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	CHECK(!shm_exists(channel_ring(channel)));
}

TEST_MAIN(60, TEST(a_version_1_writer_that_leaves_is_noticed_and_ours_is_found),
		  TEST(a_version_1_writer_that_leaves_is_noticed_and_the_next_one_is_found),
		  TEST(without_reconnect_the_end_is_final),
		  TEST(a_version_1_writer_that_takes_our_name_is_left_alone),
		  TEST(our_reader_goes_over_to_a_version_1_writer_that_took_the_name),
		  TEST(our_writer_takes_over_what_a_version_1_writer_left))
