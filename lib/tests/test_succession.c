/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers of version 1 and of ours follow each other on one channel, closed, killed or replaced while they
 * live, in random order; readers of both kinds are there all the time. What each writer wrote is known, and
 * every reader's account is held against it.
 */
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "processes.h"
#include "succession.h"
#include "v1/v1.h"

#define FRAMES_MOST 12u /* two lives that nobody waits for fit into the ring */
#define AT_ONCE 20
#define SEQUENCE_S 60

static struct story *story;
static uint32_t random_state;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];

static uint32_t any(uint32_t below)
{
	return next_random(&random_state) % below;
}

/* ---- writers ---- */

static int write_frame(video_shm_producer_t *ours, struct v1_writer *old, uint32_t life, uint32_t frame)
{
	const video_frame_meta_t meta = {
		.is_keyframe = 1, .width = (uint16_t)life, .height = (uint16_t)frame, .fps = 30};
	const struct v1_meta old_meta = {
		.is_keyframe = 1, .width = (uint16_t)life, .height = (uint16_t)frame, .fps = 30};

	fill_pattern(data, FRAME_BYTES, pattern_key(frame, life));
	return story->lives[life].kind == OURS ? video_shm_producer_write(ours, data, FRAME_BYTES, &meta)
										   : v1_writer_write(old, data, FRAME_BYTES, &old_meta);
}

static void live(void *argument)
{
	const uint32_t number = *(const uint32_t *)argument;
	struct life *life = &story->lives[number];
	video_shm_producer_t ours;
	struct v1_writer old;

	if (life->kind == OURS)
		open_channel_producer(&ours, story->channel);
	else
		CHECK_EQ(v1_writer_init(&old, story->channel, 0), 0);
	if (number == 0)
		await_least(&story->joined, READERS);
	for (uint32_t frame = 0; frame < life->frames;) {
		atomic_store(&life->begun, frame + 1);
		const int result = write_frame(&ours, &old, number, frame);

		if (result < 0) {
			CHECK_EQ(errno, ESTALE);
			break;
		}
		if (result == 0) /* else the semaphore was taken */
			atomic_store(&life->done, ++frame);
		sleep_ms(any(4));
	}
	atomic_store(&life->over, 1);
	await_least(&life->told, 1);
	if (life->kind == OURS)
		video_shm_producer_destroy(&ours);
	else
		v1_writer_destroy(&old);
}

/* ---- the story ---- */

static void read_along(void *argument)
{
	succession_read(story, *(const uint32_t *)argument);
}

static void plan(void)
{
	for (uint32_t number = 0; number < LIVES; number++)
		story->lives[number].kind = any(2) == 0 ? OURS : V1;
	for (uint32_t number = 0; number < LIVES; number++) {
		struct life *life = &story->lives[number];
		const bool last = number == LIVES - 1;

		life->end = last ? CLOSED : (enum end)any(3);
		if (life->end == REPLACED && life->kind == OURS && story->lives[number + 1].kind == OURS)
			life->end =
				KILLED; /* nobody takes a ring from a writer of ours that lives but one of version 1 */
		life->settled = last || number % 2 == 1 || any(2) == 0;
		life->frames = 1 + any(FRAMES_MOST);
	}
}

static void settle(const struct life *life, uint32_t number)
{
	await_least(&story->lives[number].over, 1);
	for (uint32_t reader = 0; reader < OF_OURS; reader++)
		await_least(&story->got[reader][number], atomic_load(&life->done));
}

static void end(struct life *life, pid_t pid)
{
	if (life->end == CLOSED) {
		atomic_store(&life->told, 1);
		child_succeeds(pid);
	} else {
		kill_child(pid);
	}
}

static void play(void *argument)
{
	static uint32_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7};
	pid_t readers[READERS], pid, before = 0;

	story = argument;
	random_state = story->seed * 2654435761u;
	(void)alarm(is_emulated() ? 5 * SEQUENCE_S : SEQUENCE_S); /* so that it is told which one hangs */
	plan();
	for (uint32_t reader = 0; reader < READERS; reader++)
		readers[reader] = start_child(read_along, &numbers[reader]);
	for (uint32_t number = 0; number < LIVES; number++) {
		struct life *life = &story->lives[number];

		pid = start_child(live, &numbers[number]);
		await_least(&life->begun, 1);
		if (before != 0)
			kill_child(before); /* replaced */
		before = 0;
		if (life->settled)
			settle(life, number);
		else
			sleep_ms(any(20));
		if (life->end == CLOSED)
			await_least(&life->over, 1);
		if (life->end == REPLACED) {
			life->sure = atomic_load(&life->done);
			before = pid;
		} else {
			end(life, pid);
			life->sure = atomic_load(&life->done);
		}
	}
	atomic_store(&story->over, 1);
	for (uint32_t reader = 0; reader < READERS; reader++)
		child_succeeds(readers[reader]);
	for (uint32_t reader = 0; reader < OF_OURS; reader++) {
		for (uint32_t number = 0; number < LIVES; number++) {
			const struct life *life = &story->lives[number];
			const uint32_t got = atomic_load(&story->got[reader][number]);

			CHECK(got == 0 ? !life->settled : got >= life->sure && got <= atomic_load(&life->begun));
		}
	}
}

static const char *told(const struct story *of)
{
	static const char *const kinds[] = {"ours", "v1"}, *const ends[] = {"closed", "killed", "replaced"};
	static char text[512];
	size_t at = 0;

	for (uint32_t number = 0; number < LIVES; number++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s of %u/%u frames (%u %u) %s%s; ",
							   kinds[of->lives[number].kind], atomic_load(&of->lives[number].done),
							   of->lives[number].frames, atomic_load(&of->got[0][number]),
							   atomic_load(&of->got[1][number]), of->lives[number].settled ? "" : "soon ",
							   ends[of->lives[number].end]);
	return text;
}

/* Does once what the children do: an emulator translates it only here, and not in each of the thousand. */
static void warm_up(int channel)
{
	const video_frame_meta_t meta = {.is_keyframe = 1};
	const struct v1_meta old_meta = {.is_keyframe = 1};
	video_shm_producer_t ours;
	video_shm_consumer_t consumer;
	video_frame_meta_t got;
	struct v1_writer old;
	struct v1_reader reader;
	struct v1_meta old_got;

	open_channel_producer(&ours, channel);
	CHECK_EQ(video_shm_consumer_init_channel(&consumer, channel), 0);
	CHECK_EQ(video_shm_producer_write(&ours, data, FRAME_BYTES, &meta), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &got, 20), (int)FRAME_BYTES);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&ours);
	CHECK_EQ(v1_writer_init(&old, channel, 0), 0);
	CHECK_EQ(v1_reader_init(&reader, channel), 0);
	CHECK_EQ(v1_writer_write(&old, data, FRAME_BYTES, &old_meta), 0);
	CHECK_EQ(v1_reader_wait(&reader, data, &old_got, 20), (int)FRAME_BYTES);
	v1_reader_destroy(&reader);
	v1_writer_destroy(&old);
}

static void whoever_writes_and_however_it_ends_each_readers_books_are_exact(void)
{
	const uint32_t sequences = pick(100, 1000);
	int channels[AT_ONCE];
	unsigned orders[2][3][2] = {0};

	for (uint32_t at = 0; at < AT_ONCE; at++)
		channels[at] = fresh_channel();
	if (is_emulated())
		warm_up(channels[0]);
	for (uint32_t from = 0; from < sequences; from += AT_ONCE) {
		struct story *stories = share(AT_ONCE * sizeof(*stories));
		pid_t pids[AT_ONCE];

		for (uint32_t at = 0; at < AT_ONCE && from + at < sequences; at++) {
			stories[at].channel = channels[at];
			stories[at].seed = 1 + from + at;
			pids[at] = start_child(play, &stories[at]);
		}
		for (uint32_t at = 0; at < AT_ONCE && from + at < sequences; at++) {
			if (await_child(pids[at]) != 0)
				check_failed(__FILE__, __LINE__, "the books are exact", "sequence %u: %s", from + at,
							 told(&stories[at]));
			for (uint32_t number = 0; number + 1 < LIVES; number++)
				orders[stories[at].lives[number].kind][stories[at].lives[number].end]
					  [stories[at].lives[number + 1].kind]++;
		}
	}
	for (int order = 0; order < 12 && sequences >= 100; order++) /* each order was there */
		CHECK(order == 2 * REPLACED || orders[order / 6][order / 2 % 3][order % 2] > 0);
}

TEST_MAIN(pick(300, 3000), TEST(whoever_writes_and_however_it_ends_each_readers_books_are_exact))
