/* SPDX-License-Identifier: Apache-2.0 */
/* semaphores.c: the pair in the life of a ring, where another program is at it too. */
#include "check.h"
#include "semaphore_pair.h"

int __wrap_pthread_create(void *thread, const void *attributes, void *(*run)(void *), void *argument);

#define MS UINT64_C(1000000)
#define NOW (5000 * MS)

/* Opens ours, and lets another program take the write semaphore. Returns that semaphore. */
static sem_t *taken_by_another(void)
{
	fresh_names();
	open_ours();
	sem_t *const write_side = theirs(write_name, 1);

	CHECK_EQ(sem_trywait(write_side), 0);
	CHECK(!take(&ours, NOW));
	return write_side;
}

/* Never waits: a version 1 writer may hold it for the length of a copy. */
static void a_taken_semaphore_is_left_to_its_holder_for_a_second(void)
{
	sem_t *const write_side = taken_by_another();

	CHECK(!take(&ours, NOW + 999 * MS));
	CHECK_EQ(sem_post(write_side), 0);
	CHECK(take(&ours, NOW + 999 * MS));
	semaphores_release(&ours);
	CHECK_EQ(sem_trywait(write_side), 0);
	CHECK(!take(&ours, NOW + 1500 * MS)); /* its second begins anew */
	CHECK(!take(&ours, NOW + 2400 * MS));
	CHECK_EQ(ours.rearmed, 0);
}

/* A version 1 program killed in the middle would stop the stream for ever. */
static void a_semaphore_taken_for_over_a_second_is_re_armed(void)
{
	sem_t *const write_side = taken_by_another();

	CHECK(take(&ours, NOW + 1000 * MS));
	CHECK_EQ(ours.rearmed, 1);
	CHECK_EQ(tokens(write_side), 0);
	semaphores_release(&ours);
	CHECK_EQ(tokens(write_side), 1);
	CHECK(take(&ours, NOW + 1001 * MS));
	CHECK_EQ(ours.rearmed, 1);
}

/* Two would let two version 1 writers into the ring at once. */
static void a_holder_that_comes_back_makes_no_second_token(void)
{
	sem_t *const write_side = taken_by_another();

	CHECK(take(&ours, NOW + 1000 * MS));
	CHECK_EQ(sem_post(write_side), 0); /* he only slept */
	semaphores_release(&ours);
	CHECK_EQ(tokens(write_side), 1);
}

/* active_readers is anybody's to scribble on, and a reader that died leaves its tokens lying. */
static void tokens_are_as_many_as_readers_and_never_more_than_32(void)
{
	static const struct {
		uint32_t readers;
		int expected;
	} steps[] = {{0, 0}, {1, 1}, {1, 1}, {4, 4}, {2, 4}, {0, 4}, {32, 32}, {33, 32}, {UINT32_MAX, 32}};

	fresh_names();
	open_ours();
	sem_t *const read_side = theirs(read_name, 0);

	for (size_t at = 0; at < sizeof(steps) / sizeof(steps[0]); at++) {
		semaphores_signal(&ours, steps[at].readers);
		CHECK_EQ(tokens(read_side), steps[at].expected);
	}
}

/* A limit of tasks, as a service manager sets it, may leave no room for another thread. */
int __wrap_pthread_create(void *thread, const void *attributes, void *(*run)(void *), void *argument)
{
	(void)thread;
	(void)attributes;
	(void)run;
	(void)argument;
	return EAGAIN;
}

TEST_MAIN(20, TEST(a_taken_semaphore_is_left_to_its_holder_for_a_second),
		  TEST(a_semaphore_taken_for_over_a_second_is_re_armed),
		  TEST(a_holder_that_comes_back_makes_no_second_token),
		  TEST(tokens_are_as_many_as_readers_and_never_more_than_32))
