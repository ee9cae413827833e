/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c with a clock and a sleep of the test's own: what it waits for, how long, and how often it looks.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attachment.h"
#include "check.h"
#include "frames.h"
#include "reader.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START_NS (1000 * SECOND)

static struct reader reader;
static struct ring_look look;
static video_shm_producer_t producer;
static char name[64];

/* ---- time that passes only in sleeps ---- */

static uint64_t clock_ns;
static unsigned sleeps, wakes;
static uint64_t longest_ns, shortest_ns, last_bits;
static void (*while_asleep)(void); /* happens in the middle of each sleep, and ends it */
static int sleep_result;

static uint64_t fake_now(void)
{
	return clock_ns;
}

static int fake_wait(const _Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns, uint32_t bits)
{
	const uint64_t length = deadline_ns - clock_ns;

	CHECK(deadline_ns > clock_ns && deadline_ns != WAIT_FOREVER); /* every sleep has an end */
	if (atomic_load(word) != expected)
		return 0;
	sleeps++;
	last_bits = bits;
	longest_ns = length > longest_ns ? length : longest_ns;
	shortest_ns = length < shortest_ns ? length : shortest_ns;
	clock_ns = while_asleep != NULL ? clock_ns + length / 2 + 1 : deadline_ns;
	if (while_asleep != NULL)
		while_asleep();
	errno = EINTR;
	return sleep_result;
}

static void fake_wake(const _Atomic uint32_t *word, uint32_t bits)
{
	(void)word;
	(void)bits;
	wakes++;
}

static const struct wait_ops fake = {fake_now, fake_wait, fake_wake, NULL};

static void join(const char *ring, uint32_t policy)
{
	memset(&reader, 0, sizeof(reader));
	clock_ns = START_NS;
	shortest_ns = UINT64_MAX;
	reader.ops = &fake;
	reader.cursor.policy = policy;
	CHECK_EQ(segment_path(reader.path, ring), 0);
	CHECK_EQ(reader_join(&reader, VIDEO_SHM_START_NEXT), 0);
}

static void join_silent_ring(void)
{
	(void)snprintf(name, sizeof(name), "%s", fresh_name());
	open_producer(&producer, name);
	join(name, VIDEO_SHM_POLICY_EVERY);
}

static void write_one(void)
{
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
}

/* ---- deadlines ---- */

static void a_wait_ends_at_its_deadline_and_not_before(void)
{
	static const uint64_t lengths[] = {1, MS, 449 * MS, 450 * MS, 451 * MS, 900 * MS, 5 * SECOND + 7};

	join_silent_ring();
	for (size_t at = 0; at < sizeof(lengths) / sizeof(lengths[0]); at++) {
		const uint64_t deadline = clock_ns + lengths[at];

		CHECK_EQ(reader_find(&reader, deadline, &look), 0);
		CHECK_EQ(clock_ns, deadline);
	}
}

static void without_waiting_nobody_sleeps(void)
{
	join_silent_ring();
	CHECK_EQ(reader_find(&reader, 0, &look), 0);
	CHECK_EQ(sleeps, 0);
	write_one();
	CHECK_EQ(reader_find(&reader, 0, &look), 1);
	CHECK_EQ(sleeps, 0);
}

static void nothing(void)
{
}

/* The kernel may end a sleep for no reason at all: that is no time that has passed. */
static void a_sleep_that_ends_for_no_reason_ends_no_wait(void)
{
	const uint64_t deadline = START_NS + 3 * SECOND;

	join_silent_ring();
	while_asleep = nothing;
	CHECK_EQ(reader_find(&reader, deadline, &look), 0);
	CHECK(clock_ns == deadline);
	CHECK(sleeps > 7);
}

/* Only the injected clock tells the time. Who went by the wall clock would end at once, or never. */
static void a_step_of_the_wall_clock_moves_no_deadline(void)
{
	static const uint64_t steps[] = {START_NS, 1, UINT64_C(1) << 62};

	join_silent_ring();
	for (size_t at = 0; at < 3; at++) {
		clock_ns = steps[at];
		reader.next_look_ns = 0;
		CHECK_EQ(reader_find(&reader, steps[at] + 700 * MS, &look), 0);
		CHECK_EQ(clock_ns, steps[at] + 700 * MS);
	}
}

static void a_frame_ends_a_wait_at_once(void)
{
	join_silent_ring();
	while_asleep = write_one;
	CHECK_EQ(reader_find(&reader, START_NS + 100 * MS, &look), 1);
	CHECK_EQ(sleeps, 1);
	CHECK_EQ(look.frame, 0);
	CHECK_EQ(clock_ns, START_NS + 50 * MS + 1);
}

/* ---- what waiting costs ---- */

/* A dead writer is to be noticed within a second, and a silent ring is to cost next to nothing. */
static void a_silent_ring_is_looked_at_every_450_ms(void)
{
	join_silent_ring();
	CHECK_EQ(reader_find(&reader, START_NS + 90 * SECOND, &look), 0);
	CHECK_EQ(reader.looks, 1 + 200);
	CHECK_EQ(longest_ns, 450 * MS);
	CHECK(sleeps <= 90 * 3);
}

/* A call that returns often must not look more often for it. */
static void short_waits_look_no_more_often(void)
{
	join_silent_ring();
	for (int turn = 0; turn < 900; turn++)
		CHECK_EQ(reader_find(&reader, clock_ns + 10 * MS, &look), 0);
	CHECK(reader.looks <= 21);
}

static void a_keyframe_reader_sleeps_through_all_other_frames(void)
{
	join_silent_ring();
	CHECK_EQ(reader_find(&reader, clock_ns + MS, &look), 0);
	CHECK((last_bits & LAYOUT_WAKE_FRAME) != 0 && (last_bits & LAYOUT_WAKE_STATE) != 0);
	join(name, VIDEO_SHM_POLICY_KEYFRAMES);
	CHECK_EQ(reader_find(&reader, clock_ns + MS, &look), 0);
	CHECK((last_bits & LAYOUT_WAKE_FRAME) == 0);
	CHECK((last_bits & LAYOUT_WAKE_KEYFRAME) != 0 && (last_bits & LAYOUT_WAKE_STATE) != 0);
	CHECK((last_bits & ~UINT64_C(7)) != 0); /* and a bit by which its own process wakes it */
}

/* ---- interrupts ---- */

static void interrupt_it(void)
{
	reader_interrupt(&reader);
}

static void an_interrupt_ends_the_wait_under_way(void)
{
	join_silent_ring();
	while_asleep = interrupt_it;
	CHECK_FAILS(reader_find(&reader, START_NS + SECOND, &look), EINTR);
	CHECK_EQ(sleeps, 1);
	CHECK(wakes > 0);
}

static void an_interrupt_before_a_wait_ends_the_next_one_and_only_that(void)
{
	join_silent_ring();
	write_one();
	reader_interrupt(&reader);
	reader_interrupt(&reader);
	CHECK_FAILS(reader_find(&reader, START_NS + SECOND, &look), EINTR);
	CHECK_EQ(sleeps, 0);
	CHECK_EQ(reader_find(&reader, START_NS + SECOND, &look), 1);
}

static void a_signal_in_a_sleep_is_passed_on(void)
{
	join_silent_ring();
	sleep_result = -1;
	CHECK_FAILS(reader_find(&reader, START_NS + SECOND, &look), EINTR);
	CHECK_EQ(sleeps, 1);
	sleep_result = 0;
	CHECK_EQ(reader_find(&reader, clock_ns + SECOND, &look), 0);
}

/* ---- version 1 ---- */

static struct layout_header *v1;

static void join_v1_ring(void)
{
	const char *ring = fresh_name();
	const int fd = open(shm_path(ring), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, LAYOUT_V1_SIZE), 0);
	v1 = mmap(NULL, LAYOUT_V1_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(v1 != MAP_FAILED);
	v1->magic = VIDEO_SHM_MAGIC;
	v1->version = 1;
	(void)snprintf(name, sizeof(name), "%s", ring);
	join(ring, VIDEO_SHM_POLICY_EVERY);
}

static void write_v1(void)
{
	const video_frame_meta_t meta = {.size = 100, .sequence = v1->frame_count};

	memcpy((uint8_t *)v1 + 64 + v1->write_idx % 30 * LAYOUT_V1_STRIDE, &meta, sizeof(meta));
	v1->write_idx = v1->write_idx + 1;
	v1->frame_count = v1->frame_count + 1;
}

/* Its semaphore is not ours to take from, so we come and look: often at first, then ever more seldom. */
static void a_v1_ring_is_polled_ever_more_seldom_the_longer_nothing_comes(void)
{
	join_v1_ring();
	CHECK_EQ(reader_find(&reader, START_NS + MS / 8, &look), 0);
	CHECK_EQ(clock_ns, START_NS + MS / 8);
	CHECK_EQ(reader_find(&reader, START_NS + 33 * MS, &look), 0);
	CHECK(longest_ns <= 4 * MS); /* a camera's next frame is found soon */
	CHECK_EQ(reader_find(&reader, START_NS + SECOND, &look), 0);
	CHECK_EQ(clock_ns, START_NS + SECOND);
	CHECK(longest_ns <= SECOND / 16 + 2 * MS);
	CHECK_EQ(reader_find(&reader, START_NS + 10 * SECOND, &look), 0);
	CHECK_EQ(longest_ns, 200 * MS);
	CHECK(sleeps <= 160);
	write_v1();
	CHECK_EQ(reader_find(&reader, clock_ns + SECOND, &look), 1);
	cursor_take(&reader.cursor, &look, true);
	shortest_ns = UINT64_MAX;
	CHECK_EQ(reader_find(&reader, clock_ns + 10 * MS, &look), 0);
	CHECK(shortest_ns <= MS / 2); /* the next frame may come at any time */
}

/* As those of a program that does something else between its waits. */
static void short_waits_make_no_later_one_look_seldom(void)
{
	join_v1_ring();
	for (unsigned wait = 0; wait < 400; wait++)
		CHECK_EQ(reader_find(&reader, clock_ns + MS / 16, &look), 0);
	CHECK_EQ(clock_ns, START_NS + 25 * MS);
	longest_ns = 0;
	CHECK_EQ(reader_find(&reader, clock_ns + 33 * MS, &look), 0);
	CHECK(longest_ns <= 33 * MS / 16 + 2 * MS);
}

static void an_interrupt_ends_a_wait_on_a_v1_ring(void)
{
	join_v1_ring();
	while_asleep = interrupt_it;
	CHECK_FAILS(reader_find(&reader, START_NS + SECOND, &look), EINTR);
	CHECK_EQ(sleeps, 1);
}

TEST_MAIN(60, TEST(a_wait_ends_at_its_deadline_and_not_before), TEST(without_waiting_nobody_sleeps),
		  TEST(a_sleep_that_ends_for_no_reason_ends_no_wait),
		  TEST(a_step_of_the_wall_clock_moves_no_deadline), TEST(a_frame_ends_a_wait_at_once),
		  TEST(a_silent_ring_is_looked_at_every_450_ms), TEST(short_waits_look_no_more_often),
		  TEST(a_keyframe_reader_sleeps_through_all_other_frames), TEST(an_interrupt_ends_the_wait_under_way),
		  TEST(an_interrupt_before_a_wait_ends_the_next_one_and_only_that),
		  TEST(a_signal_in_a_sleep_is_passed_on),
		  TEST(a_v1_ring_is_polled_ever_more_seldom_the_longer_nothing_comes),
		  TEST(short_waits_make_no_later_one_look_seldom), TEST(an_interrupt_ends_a_wait_on_a_v1_ring))
