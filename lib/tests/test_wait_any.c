/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that waits for several rings: it gets all frames of all of them, in turn, and is never early. */
#include <pthread.h>

#include "check.h"
#include "frames.h"
#include "processes.h"
#include "several.h"

/* ---- frames ---- */

static void a_frame_that_is_there_is_named_and_not_taken(void)
{
	open_plain(3);
	write_to(2, 0, true);
	for (int turn = 0; turn < 3; turn++) {
		CHECK_EQ(wait_any(VIDEO_SHM_NO_WAIT), 1);
		CHECK_EQ(at, 2);
	}
	CHECK_EQ(info_of(consumers[2]).received, 0);
	gets(2, 0);
	CHECK_EQ(wait_any(VIDEO_SHM_NO_WAIT), 0);
}

/* Whoever began each search at the first ring would never come to the last one while the first has frames. */
static void each_ring_has_its_turn(void)
{
	open_plain(3);
	for (uint64_t frame = 0; frame < 3; frame++)
		for (uint32_t ring = 0; ring < 3; ring++)
			write_to(ring, frame, true);
	for (uint32_t turn = 0; turn < 9; turn++)
		gets((turn + 1) % 3, turn / 3);
}

static void the_search_begins_anew_behind_any_index(void)
{
	static const uint32_t odd[] = {2, 3, 4, UINT32_MAX - 1, UINT32_MAX};

	open_plain(3);
	for (uint32_t ring = 0; ring < 3; ring++)
		write_to(ring, 0, true);
	for (size_t which = 0; which < sizeof(odd) / sizeof(odd[0]); which++) {
		at = odd[which];
		CHECK_EQ(wait_any(VIDEO_SHM_NO_WAIT), 1);
		CHECK_EQ(at, 0);
	}
}

static void *write_soon(void *ring)
{
	sleep_ms(50);
	write_to(*(const uint32_t *)ring, 0, true);
	return NULL;
}

/* A word too much in the array, or one that is left out, and nobody wakes. */
static void a_frame_of_any_ring_ends_an_endless_wait(void)
{
	static const uint32_t sizes[] = {1, 2, 16, 128, 129, SEVERAL_MAX};

	for (size_t which = 0; which < sizeof(sizes) / sizeof(sizes[0]); which++) {
		const uint32_t places[] = {0, sizes[which] / 2, sizes[which] - 1};

		for (size_t place = 0; place < 3; place++) {
			uint32_t ring = places[place];
			pthread_t thread;

			open_plain(sizes[which]);
			CHECK_EQ(pthread_create(&thread, NULL, write_soon, &ring), 0);
			CHECK_EQ(wait_any(0), 1);
			CHECK_EQ(at, ring);
			CHECK_EQ(take(ring), SEVERAL_SIZE);
			CHECK_EQ(pthread_join(thread, NULL), 0);
		}
	}
}

static _Atomic bool all_written;

static void *write_all(void *unused)
{
	(void)unused;
	for (uint64_t frame = 0; frame < 200; frame++) {
		for (uint32_t ring = 0; ring < count; ring++)
			write_to(ring, frame, frame % 10 == 0);
		sleep_ms(2);
	}
	atomic_store(&all_written, true);
	return NULL;
}

/* Every frame of every ring is received, missed or skipped, once; those that are received are in order. */
static void all_frames_of_all_rings_add_up(void)
{
	uint32_t next[8] = {0};
	pthread_t thread;

	open_plain(8);
	CHECK_EQ(pthread_create(&thread, NULL, write_all, NULL), 0);
	for (;;) {
		const bool is_last = atomic_load(&all_written);
		const int ready = wait_any(50);

		if (ready == 0 && is_last)
			break;
		if (ready == 0)
			continue;
		CHECK_EQ(ready, 1);
		CHECK_EQ(take(at), SEVERAL_SIZE);
		CHECK(meta.sequence >= next[at]);
		next[at] = meta.sequence + 1;
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);
	for (uint32_t ring = 0; ring < count; ring++) {
		const video_shm_info_t info = info_of(consumers[ring]);

		CHECK_EQ(info.received + info.missed, 200);
		CHECK_EQ(info.span, 200);
	}
}

/* ---- policies ---- */

static void readers_of_keyframes_are_ready_at_keyframes_only(void)
{
	open_rings(3, (video_shm_consumer_options_t){.policy = VIDEO_SHM_POLICY_KEYFRAMES});
	write_to(0, 0, false);
	write_to(1, 0, false);
	CHECK_EQ(wait_any(50), 0);
	write_to(1, 1, true);
	gets(1, 1);
	CHECK_EQ(info_of(consumers[1]).skipped, 1);
}

/* What the writer has overwritten between the two calls is no reason to wait, nor to fail. */
static void a_frame_that_was_overwritten_meanwhile_is_followed_by_a_later_one(void)
{
	open_plain(2);
	write_to(1, 0, true);
	CHECK_EQ(wait_any(20000), 1);
	for (uint64_t frame = 1; frame < 12; frame++)
		write_to(1, frame, true);
	CHECK_EQ(take(1), SEVERAL_SIZE);
	CHECK(meta.sequence >= 8);

	open_rings(2, (video_shm_consumer_options_t){.policy = VIDEO_SHM_POLICY_KEYFRAMES});
	write_to(1, 0, true);
	CHECK_EQ(wait_any(20000), 1);
	for (uint64_t frame = 1; frame < 12; frame++)
		write_to(1, frame, false);
	CHECK_EQ(take(1), 0);
	CHECK_EQ(wait_any(VIDEO_SHM_NO_WAIT), 0);
}

/* ---- time ---- */

static void a_wait_is_never_early(void)
{
	static const uint32_t sizes[] = {1, 2, 16, SEVERAL_MAX};
	static const uint32_t lengths_ms[] = {1, 10, 100};

	for (size_t which = 0; which < 4; which++) {
		open_rings(sizes[which],
				   (video_shm_consumer_options_t){.policy = which % 2 == 0 ? VIDEO_SHM_POLICY_EVERY
																		   : VIDEO_SHM_POLICY_KEYFRAMES});
		for (size_t length = 0; length < 3; length++) {
			const uint64_t begin = now_ns();

			CHECK_EQ(wait_any(lengths_ms[length]), 0);
			CHECK(now_ns() - begin >= lengths_ms[length] * UINT64_C(1000000));
		}
		CHECK_EQ(wait_any(VIDEO_SHM_NO_WAIT), 0);
	}
}

/* ---- arguments ---- */

static void wrong_arguments_are_refused(void)
{
	static video_shm_consumer_t *nobody[3], *too_many[VIDEO_SHM_WAIT_ANY_MAX + 1];
	video_shm_consumer_t closed = {{0}};
	unsigned mapped;

	open_plain(3);
	write_to(0, 0, true);
	for (uint32_t each = 0; each <= VIDEO_SHM_WAIT_ANY_MAX; each++)
		too_many[each] = consumers[0];
	CHECK_FAILS(video_shm_consumer_wait_any(NULL, 3, 1, &at), EINVAL);
	CHECK_FAILS(video_shm_consumer_wait_any(consumers, 3, 1, NULL), EINVAL);
	CHECK_FAILS(video_shm_consumer_wait_any(consumers, 0, 1, &at), EINVAL);
	CHECK_FAILS(video_shm_consumer_wait_any(nobody, 3, 1, &at), EINVAL);
	CHECK_FAILS(video_shm_consumer_wait_any(too_many, VIDEO_SHM_WAIT_ANY_MAX + 1, 1, &at), EINVAL);
	CHECK_EQ(video_shm_consumer_wait_any(too_many, VIDEO_SHM_WAIT_ANY_MAX, 1, &at), 1);
	consumers[2] = &closed;
	CHECK_FAILS(wait_any(1), EBADF);
	CHECK_EQ(at, 2);
	mapped = count_mappings(rings[1].name);
	video_shm_consumer_destroy(consumers[1]); /* a call that was never ended would keep its mapping */
	CHECK_EQ(count_mappings(rings[1].name), mapped - 1);
	consumers[1] = NULL;
	consumers[2] = NULL;
	gets(0, 0);
}

static void a_view_that_is_out_is_refused(void)
{
	video_shm_view_t view = {.struct_size = sizeof(view)};

	open_plain(2);
	write_to(1, 0, true);
	CHECK_EQ(video_shm_consumer_acquire(consumers[1], &view, 0), SEVERAL_SIZE);
	CHECK_FAILS(wait_any(1), EBUSY);
	CHECK_EQ(at, 1);
	CHECK_EQ(video_shm_consumer_release(consumers[1], &view), 0);
	CHECK_EQ(wait_any(1), 0);
}

TEST_MAIN(100, TEST(a_frame_that_is_there_is_named_and_not_taken), TEST(each_ring_has_its_turn),
		  TEST(the_search_begins_anew_behind_any_index), TEST(a_frame_of_any_ring_ends_an_endless_wait),
		  TEST(all_frames_of_all_rings_add_up), TEST(readers_of_keyframes_are_ready_at_keyframes_only),
		  TEST(a_frame_that_was_overwritten_meanwhile_is_followed_by_a_later_one),
		  TEST(a_wait_is_never_early), TEST(wrong_arguments_are_refused), TEST(a_view_that_is_out_is_refused))
