/* SPDX-License-Identifier: Apache-2.0 */
/* reader_any.c with a clock and a sleep of the test's own: what it sleeps on, how long, and how often it
 * looks. */
#include "attachment.h"
#include "check.h"
#include "frames.h"
#include "reader_any.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START_NS (1000 * SECOND)
#define READERS 16u
#define MORE (WAIT_WORDS_MAX + 2)

static struct reader readers[MORE];
static struct reader *all[MORE];
static video_shm_producer_t producers[MORE];
static uint32_t at;

/* ---- time that passes only in sleeps ---- */

static uint64_t clock_ns, longest_ns, shortest_ns;
static unsigned sleeps_on_one, sleeps_on_all;
static uint32_t last_bits, last_count;
static const void *woken_word; /* whose number wait_any returns; NULL: nobody woke it */
static bool can_wait_for_all;
static void (*while_asleep)(void); /* happens in the middle of each sleep */

static uint64_t fake_now(void)
{
	return clock_ns;
}

static void sleep_on(uint64_t deadline_ns)
{
	const uint64_t length = deadline_ns - clock_ns;

	CHECK(deadline_ns > clock_ns && length <= 450 * MS); /* every sleep has an end */
	longest_ns = length > longest_ns ? length : longest_ns;
	shortest_ns = length < shortest_ns ? length : shortest_ns;
	clock_ns = while_asleep != NULL ? clock_ns + length / 2 + 1 : deadline_ns;
	if (while_asleep != NULL)
		while_asleep();
}

static int fake_wait(const _Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns, uint32_t bits)
{
	CHECK_EQ(atomic_load(word), expected);
	sleeps_on_one++;
	last_bits = bits;
	sleep_on(deadline_ns);
	return 0;
}

static int fake_wait_any(const struct wait_word *words, uint32_t count, uint64_t deadline_ns)
{
	errno = ENOSYS;
	if (!can_wait_for_all)
		return -1;
	for (uint32_t word = 0; word < count; word++)
		CHECK_EQ(*(const uint32_t *)(uintptr_t)words[word].address, words[word].expected);
	sleeps_on_all++;
	last_count = count;
	sleep_on(deadline_ns);
	for (uint32_t word = 0; word < count; word++)
		if ((const void *)(uintptr_t)words[word].address == woken_word)
			return (int)word;
	return (int)count;
}

static const struct wait_ops fake = {fake_now, fake_wait, NULL, fake_wait_any};

static void join(uint32_t count, uint32_t policy)
{
	clock_ns = START_NS;
	shortest_ns = UINT64_MAX;
	can_wait_for_all = true;
	woken_word = NULL;
	at = 0;
	for (uint32_t which = 0; which < count; which++) {
		const char *name = fresh_name();

		CHECK_EQ(open_small_producer(&producers[which], name), 0);
		readers[which].ops = &fake;
		readers[which].cursor.policy = policy;
		CHECK_EQ(segment_path(readers[which].path, name), 0);
		CHECK_EQ(reader_join(&readers[which], VIDEO_SHM_START_NEXT), 0);
		all[which] = &readers[which];
	}
}

/* Two frames come, and the kernel tells of the later ring. */
static void write_to_two(void)
{
	CHECK_EQ(write_pattern(&producers[2], 0, 100, true), 0);
	CHECK_EQ(write_pattern(&producers[3], 0, 100, true), 0);
	woken_word = &readers[3].ring.extension->signal;
}

/* ---- what they sleep on ---- */

static void they_sleep_on_the_words_of_all_until_the_deadline(void)
{
	static const uint64_t lengths[] = {1, MS, 449 * MS, 450 * MS, 451 * MS, 5 * SECOND + 7};

	join(READERS, VIDEO_SHM_POLICY_EVERY);
	for (size_t which = 0; which < sizeof(lengths) / sizeof(lengths[0]); which++) {
		const uint64_t deadline = clock_ns + lengths[which];

		CHECK_EQ(reader_find_any(all, READERS, deadline, &at), 0);
		CHECK_EQ(clock_ns, deadline);
	}
	CHECK_EQ(last_count, READERS);
	CHECK_EQ(sleeps_on_one, 0);
}

static void without_waiting_nobody_sleeps(void)
{
	join(READERS, VIDEO_SHM_POLICY_EVERY);
	CHECK_EQ(reader_find_any(all, READERS, 0, &at), 0);
	CHECK_EQ(sleeps_on_one + sleeps_on_all, 0);
}

/* Several words have no bits: a single reader of keyframes would wake at each frame for nothing. */
static void a_single_reader_sleeps_for_what_it_wants(void)
{
	join(3, VIDEO_SHM_POLICY_KEYFRAMES);
	all[0] = all[2] = NULL;
	CHECK_EQ(reader_find_any(all, 3, START_NS + 10 * SECOND, &at), 0);
	CHECK_EQ(sleeps_on_all, 0);
	CHECK((last_bits & LAYOUT_WAKE_FRAME) == 0 && (last_bits & LAYOUT_WAKE_KEYFRAME) != 0);
}

static void whose_word_was_woken_is_found_at_once(void)
{
	join(READERS, VIDEO_SHM_POLICY_EVERY);
	CHECK_EQ(reader_find_any(all, READERS, START_NS + MS, &at), 0);
	while_asleep = write_to_two;
	CHECK_EQ(reader_find_any(all, READERS, clock_ns + 100 * MS, &at), 1);
	CHECK_EQ(at, 3);
	CHECK_EQ(sleeps_on_all, 2);
	CHECK_EQ(readers[3].cursor.received, 0); /* and is not taken */
}

/* ---- what it costs ---- */

/* If each ring were looked at when it is due, 16 rings would wake their thread 16 times as often as one. */
static void silent_rings_are_looked_at_together(void)
{
	join(READERS, VIDEO_SHM_POLICY_EVERY);
	CHECK_EQ(reader_find_any(all, READERS, START_NS + MS, &at), 0);
	for (uint32_t which = 0; which < READERS; which++) /* as if each had joined a bit later */
		readers[which].next_look_ns += which * 25 * MS;
	sleeps_on_all = 0;
	CHECK_EQ(reader_find_any(all, READERS, clock_ns + 90 * SECOND, &at), 0);
	CHECK(sleeps_on_all <= 90 * 3);
	CHECK(readers[0].looks >= 199); /* a dead writer is noticed within a second */
}

/* An older kernel, or a sandbox: they come and look, often while frames come, and ever more seldom. */
static void where_the_kernel_can_not_they_are_polled_ever_more_seldom(void)
{
	join(READERS, VIDEO_SHM_POLICY_EVERY);
	can_wait_for_all = false;
	CHECK_EQ(reader_find_any(all, READERS, START_NS + 33 * MS, &at), 0);
	CHECK_EQ(clock_ns, START_NS + 33 * MS);
	CHECK(longest_ns <= 4 * MS);
	CHECK(sleeps_on_one <= 33);
	CHECK_EQ(reader_find_any(all, READERS, START_NS + 10 * SECOND, &at), 0);
	CHECK_EQ(clock_ns, START_NS + 10 * SECOND);
	CHECK_EQ(longest_ns, 200 * MS);
	CHECK(sleeps_on_one <= 200);
	CHECK((last_bits & LAYOUT_WAKE_FRAME) != 0); /* one of the words wakes it at once */
	while_asleep = write_to_two;
	CHECK_EQ(reader_find_any(all, READERS, clock_ns + SECOND, &at), 1);
	CHECK_EQ(at, 2);
}

/* Seen only when the others' health is looked at, they would be up to half a second late. */
static void rings_beyond_what_the_kernel_takes_are_polled(void)
{
	join(MORE, VIDEO_SHM_POLICY_EVERY);
	CHECK_EQ(reader_find_any(all, MORE, START_NS + 33 * MS, &at), 0);
	CHECK_EQ(last_count, WAIT_WORDS_MAX);
	CHECK(longest_ns <= 4 * MS);
	CHECK(sleeps_on_all <= 33);
	CHECK_EQ(reader_find_any(all, WAIT_WORDS_MAX, clock_ns + SECOND, &at), 0);
	CHECK(longest_ns > 400 * MS); /* but all others wake their thread */
}

/* A ring whose frames come often has its poll begin anew, and so keeps the others' from growing too slow. */
static void a_frame_begins_the_polls_anew(void)
{
	struct ring_look look;

	join(READERS, VIDEO_SHM_POLICY_EVERY);
	can_wait_for_all = false;
	CHECK_EQ(reader_find_any(all, READERS, START_NS + 10 * SECOND, &at), 0);
	write_to_two();
	for (uint32_t which = 2; which <= 3; which++) {
		CHECK_EQ(reader_find_any(all, READERS, clock_ns + SECOND, &at), 1);
		CHECK_EQ(at, which);
		CHECK_EQ(reader_find(all[which], 0, &look), 1);
		cursor_take(&readers[which].cursor, &look, true);
	}
	longest_ns = 0;
	shortest_ns = UINT64_MAX;
	CHECK_EQ(reader_find_any(all, READERS, clock_ns + 33 * MS, &at), 0);
	CHECK(longest_ns <= 4 * MS);
	CHECK(shortest_ns <= MS);
}

TEST_MAIN(60, TEST(they_sleep_on_the_words_of_all_until_the_deadline), TEST(without_waiting_nobody_sleeps),
		  TEST(a_single_reader_sleeps_for_what_it_wants), TEST(whose_word_was_woken_is_found_at_once),
		  TEST(silent_rings_are_looked_at_together),
		  TEST(where_the_kernel_can_not_they_are_polled_ever_more_seldom),
		  TEST(rings_beyond_what_the_kernel_takes_are_polled), TEST(a_frame_begins_the_polls_anew))
