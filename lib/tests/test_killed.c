/* SPDX-License-Identifier: Apache-2.0 */
/* Writers killed at random points under full load: readers know, the next writer goes on, nothing is torn. */
#include "mortals.h"

#include <unistd.h>

#include "channels.h"
#include "host.h"
#include "processes.h"

#define READERS MORTALS_READERS
#define KNOWS_WITHIN_NS 1000000000u
#define GIVE_UP_NS 20000000000u

/* Each reader is told in time; a stalled host is allowed for. */
static void readers_know(uint64_t killed_ns, uint64_t stalled_before_ns)
{
	for (size_t at = 0; at < READERS; at++) {
		while (atomic_load(&mortals->known_ns[at]) < killed_ns && now_ns() - killed_ns < GIVE_UP_NS)
			sleep_ms(1);
		const uint64_t known_ns = atomic_load(&mortals->known_ns[at]);

		CHECK(known_ns >= killed_ns);
		if (known_ns - killed_ns > KNOWS_WITHIN_NS + (stalled_ns() - stalled_before_ns))
			check_failed(__FILE__, __LINE__, "every reader knows within a second", "reader %zu took %llu ms",
						 at, (unsigned long long)((known_ns - killed_ns) / 1000000));
	}
}

/* What must outlive a writer until the next one is up. */
struct leftovers {
	pid_t locker;
	pid_t child;
};

static void clear_away(struct leftovers *left)
{
	if (left->locker != 0)
		kill_child(left->locker);
	if (left->child != 0)
		kill_orphan(left->child); /* ours since its parent died */
	*left = (struct leftovers){0, 0};
}

static uint64_t ring_inode(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	return video_shm_inspect(mortals_ring, &info) == 0 ? info.inode : 0;
}

static pid_t start_writer(const enum mortal_variant *variant)
{
	atomic_store(&mortals->up, 0);
	atomic_store(&mortals->reserved, 0);
	atomic_store(&mortals->locked, 0);
	atomic_store(&mortals->child, 0);
	return start_child(mortals_write, (void *)(uintptr_t)variant);
}

/* Runs one death. Returns false if the writer was killed before its first frame, which does not count. */
static bool one_death(enum mortal_variant variant, uint32_t *random, struct leftovers *left)
{
	const bool in_place = variant != MORTAL_READ_LOCKED && !(variant == MORTAL_CLONED && is_emulated());
	const uint64_t inode = ring_inode();
	const pid_t writer = start_writer(&variant);
	uint64_t killed_ns, stalled_before_ns;

	if (variant == MORTAL_PLAIN && inode != 0 && next_random(random) % 4 == 0) {
		(void)usleep(next_random(random) % 3000); /* on its way up; readers may never come to see it */
		kill_child(writer);
		return false;
	}
	await_least(variant == MORTAL_RESERVED ? &mortals->reserved : &mortals->up, 1);
	await_least(&mortals->joined, READERS);
	if (inode != 0)
		CHECK_EQ(ring_inode() == inode, in_place);
	clear_away(left);
	left->child = (pid_t)atomic_load(&mortals->child);
	if (variant == MORTAL_READ_LOCKED) {
		left->locker = start_child(mortals_lock_for_reading, NULL);
		await_least(&mortals->locked, 1);
	}
	(void)usleep(next_random(random) % 20000);
	stalled_before_ns = stalled_ns();
	killed_ns = now_ns();
	kill_child(writer);
	readers_know(killed_ns, stalled_before_ns);
	if (variant == MORTAL_READ_LOCKED)
		await_least(&mortals->locked, 2);
	return true;
}

static void kill_many(enum mortal_variant variant, unsigned deaths)
{
	const size_t indexes[READERS] = {0, 1, 2, 3, 4};
	const int channel = fresh_channel();
	struct leftovers left = {0, 0};
	uint32_t random = 20 + variant;
	pid_t readers[READERS], writer;

	mortals = share(sizeof(*mortals));
	mortals_ring = channel_ring(channel);
	adopt_orphans();
	CHECK_EQ(pipe(mortals_lifeline), 0);
	watch_stalls();
	for (size_t at = 0; at < READERS; at++)
		readers[at] = start_child(mortals_read, (void *)(uintptr_t)&indexes[at]);
	for (unsigned death = 0; death < deaths;)
		death += one_death(variant, &random, &left);
	writer = start_writer(&(enum mortal_variant){MORTAL_PLAIN});
	await_least(&mortals->up, 1);
	clear_away(&left);
	for (size_t at = 0; at < READERS; at++) /* all have gone over to it: who has not would wait for another */
		await_least(&mortals->received[at], atomic_load(&mortals->received[at]) + 1);
	atomic_store(&mortals->over, 1);
	child_succeeds(writer);
	for (size_t at = 0; at < READERS; at++) {
		child_succeeds(readers[at]);
		CHECK(atomic_load(&mortals->received[at]) > deaths / 2);
	}
	CHECK(!shm_exists(mortals_ring));
	CHECK(!semaphores_exist(channel));
}

static void a_writer_killed_anywhere_is_noticed_and_replaced(void)
{
	kill_many(MORTAL_PLAIN, pick(50, 500));
}

static void a_writer_killed_with_a_reservation_out_leaves_no_half_frame(void)
{
	kill_many(MORTAL_RESERVED, pick(10, 100));
}

static void a_writer_killed_while_its_forked_child_lives_is_replaced_in_place(void)
{
	kill_many(MORTAL_FORKED, pick(10, 100));
}

static void a_writer_killed_while_a_child_without_handlers_lives_is_replaced_in_place(void)
{
	kill_many(MORTAL_CLONED, pick(10, 100));
}

static void a_writer_killed_while_a_reader_locks_the_file_is_noticed_and_replaced(void)
{
	kill_many(MORTAL_READ_LOCKED, pick(10, 100));
}

TEST_MAIN(pick(100, 600), TEST(a_writer_killed_anywhere_is_noticed_and_replaced),
		  TEST(a_writer_killed_with_a_reservation_out_leaves_no_half_frame),
		  TEST(a_writer_killed_while_its_forked_child_lives_is_replaced_in_place),
		  TEST(a_writer_killed_while_a_child_without_handlers_lives_is_replaced_in_place),
		  TEST(a_writer_killed_while_a_reader_locks_the_file_is_noticed_and_replaced))
