/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that make themselves daemons close every descriptor they find, and their next files get the
 * numbers: the ring stays its writer's, and the files stay theirs. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "processes.h"
#include "producer.h"

#define FIRST (STDERR_FILENO + 1)
#define END 64

static struct {
	_Atomic uint32_t up;
	_Atomic uint32_t go_on;
} * shared;

static const char *ring_name;

static void close_all(void)
{
	for (int fd = FIRST; fd < END; fd++)
		(void)close(fd);
}

/* Each number is another file's now. */
static void take_all_numbers(void)
{
	int fd;

	close_all();
	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		CHECK(fd >= 0);
	} while (fd < END - 1);
}

static void check_numbers_are_still_theirs(void)
{
	struct stat null, status;

	CHECK_EQ(stat("/dev/null", &null), 0);
	for (int fd = FIRST; fd < END; fd++) {
		CHECK_EQ(fstat(fd, &status), 0);
		CHECK_EQ(status.st_rdev, null.st_rdev);
	}
}

static int try_open(video_shm_producer_t *producer)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = 4, .slot_size = 4096, .name = ring_name};

	return video_shm_producer_open(producer, &options);
}

static void is_refused(void *unused)
{
	video_shm_producer_t second;

	(void)unused;
	CHECK_FAILS(try_open(&second), EBUSY);
}

static video_shm_info_t inspect(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(video_shm_inspect(ring_name, &info), 0);
	return info;
}

static bool is_locked(void)
{
	const int fd = open(shm_path(ring_name), O_RDONLY | O_CLOEXEC);
	bool held;

	CHECK(fd >= 0);
	held = segment_is_held(fd);
	(void)close(fd);
	return held;
}

static void write_without_the_lock(void *take_numbers)
{
	video_shm_producer_t producer;

	CHECK_EQ(try_open(&producer), 0);
	if (take_numbers != NULL)
		take_all_numbers();
	else
		close_all();
	CHECK(!is_locked());
	is_refused(NULL);
	child_succeeds(start_child(is_refused, NULL));
	CHECK_EQ(inspect().epoch, 1);
	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_LIVE);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	producer_writer(&producer)->next_look_ns = 0;
	CHECK_EQ(write_pattern(&producer, 1, 100, true), 0);
	CHECK(is_locked());
	is_refused(NULL);
	video_shm_producer_destroy(&producer);
	CHECK(!shm_exists(ring_name));
	if (take_numbers != NULL)
		check_numbers_are_still_theirs();
}

static void a_living_writer_whose_lock_was_closed_keeps_its_ring_and_locks_it_anew(void)
{
	bool yes = true;

	ring_name = fresh_name();
	child_succeeds(start_child(write_without_the_lock, NULL));
	child_succeeds(start_child(write_without_the_lock, &yes));
}

static void numbers_are_still_theirs(void *unused)
{
	(void)unused;
	check_numbers_are_still_theirs(); /* fork's handlers let go of a parent's ring */
}

static void close_handles_without_descriptors(void *unused)
{
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	uint64_t offset;
	uint32_t capacity;
	uint8_t *slot;

	(void)unused;
	CHECK_EQ(try_open(&producer), 0);
	open_consumer(&consumer, ring_name);
	take_all_numbers();
	CHECK_FAILS(video_shm_consumer_descriptor(&consumer), EBADF);
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	CHECK_FAILS(video_shm_producer_descriptor(&producer, &offset), EBADF);
	child_succeeds(start_child(numbers_are_still_theirs, NULL));
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	check_numbers_are_still_theirs();
}

static void files_that_have_got_the_numbers_stay_open(void)
{
	ring_name = fresh_name();
	child_succeeds(start_child(close_handles_without_descriptors, NULL));
}

static void hold_until_killed(void *unused)
{
	video_shm_producer_t producer;

	(void)unused;
	CHECK_EQ(try_open(&producer), 0);
	atomic_store(&shared->up, 1);
	for (;;)
		(void)pause();
}

static void read_without_a_descriptor(void *unused)
{
	video_shm_consumer_t consumer;
	uint8_t data[4096];
	video_frame_meta_t meta;

	(void)unused;
	open_consumer(&consumer, ring_name);
	take_all_numbers();
	CHECK_EQ(video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, VIDEO_SHM_NO_WAIT), 0);
	CHECK_EQ(info_of(&consumer).state, VIDEO_SHM_STATE_LIVE);
	CHECK(video_shm_consumer_descriptor(&consumer) >= END); /* its own again */
	atomic_store(&shared->go_on, 1);
	CHECK_FAILS(video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, 20000), EOWNERDEAD);
	video_shm_consumer_destroy(&consumer);
	check_numbers_are_still_theirs();
}

static void a_reader_without_its_descriptor_tells_a_living_writer_from_a_dead_one(void)
{
	pid_t writer, reader;

	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	writer = start_child(hold_until_killed, NULL);
	await_least(&shared->up, 1);
	reader = start_child(read_without_a_descriptor, NULL);
	await_least(&shared->go_on, 1);
	kill_child(writer);
	child_succeeds(reader);
}

static void read_of_a_writer_without_its_lock(void *unused)
{
	video_shm_consumer_t consumer;
	uint8_t data[4096];
	video_frame_meta_t meta;

	(void)unused;
	open_consumer(&consumer, ring_name);
	CHECK_EQ(video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, VIDEO_SHM_NO_WAIT), 0);
	CHECK_EQ(info_of(&consumer).state, VIDEO_SHM_STATE_LIVE);
	video_shm_consumer_destroy(&consumer);
}

static void lose_the_lock_and_be_read(void *unused)
{
	video_shm_producer_t producer;

	(void)unused;
	CHECK_EQ(try_open(&producer), 0);
	close_all();
	child_succeeds(start_child(read_of_a_writer_without_its_lock, NULL));
	video_shm_producer_destroy(&producer);
}

static void readers_of_a_writer_that_lost_its_lock_do_not_take_it_for_dead(void)
{
	ring_name = fresh_name();
	child_succeeds(start_child(lose_the_lock_and_be_read, NULL));
}

/* Its descriptor's number then stands for the same object, and yet can't hold it. */
static void let_a_reader_have_the_number(void *unused)
{
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	int number;

	(void)unused;
	CHECK_EQ(try_open(&producer), 0);
	number = producer_writer(&producer)->hold_fd;
	close_all();
	open_consumer(&consumer, ring_name);
	CHECK_EQ(dup2(video_shm_consumer_descriptor(&consumer), number), number);
	producer_writer(&producer)->next_look_ns = 0;
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	CHECK(is_locked());
	video_shm_producer_destroy(&producer);
	CHECK(fcntl(number, F_GETFD) >= 0 && video_shm_consumer_descriptor(&consumer) >= 0);
	video_shm_consumer_destroy(&consumer);
}

static void a_reader_of_the_same_ring_that_has_got_the_number_keeps_it(void)
{
	ring_name = fresh_name();
	child_succeeds(start_child(let_a_reader_have_the_number, NULL));
}

/* Its pid and its start stay; the ring is nobody's. */
static void become_another_program(void *ready)
{
	video_shm_producer_t producer;

	CHECK_EQ(try_open(&producer), 0);
	CHECK_EQ(fcntl(*(const int *)ready, F_SETFD, FD_CLOEXEC), 0);
	(void)execlp("sleep", "sleep", "60", (char *)NULL);
	CHECK(false);
}

static void a_process_that_goes_on_as_another_program_does_not_keep_the_ring(void)
{
	video_shm_producer_t second;
	int ready[2];
	char byte;
	pid_t first;

	ring_name = fresh_name();
	CHECK_EQ(pipe(ready), 0);
	first = start_child(become_another_program, &ready[1]);
	CHECK_EQ(close(ready[1]), 0);
	CHECK_EQ(read(ready[0], &byte, 1), 0);
	CHECK_EQ(close(ready[0]), 0);
	CHECK_EQ(try_open(&second), 0);
	CHECK_EQ(inspect().epoch, 2);
	video_shm_producer_destroy(&second);
	kill_child(first);
}

/* As a writer does that can't see the first one's mappings: another user's, or one of an earlier version. */
static void a_writer_whose_ring_was_taken_over_writes_no_more_and_closes_nothing(void)
{
	video_shm_producer_t producer;
	_Atomic uint32_t *epoch;

	ring_name = fresh_name();
	CHECK_EQ(try_open(&producer), 0);
	epoch = &producer_writer(&producer)->ring.extension->epoch;
	atomic_store(epoch, atomic_load(epoch) + 1);
	producer_writer(&producer)->next_look_ns = 0;
	CHECK_FAILS(write_pattern(&producer, 0, 100, true), ESTALE);
	CHECK_FAILS(write_pattern(&producer, 1, 100, true), ESTALE);
	CHECK_EQ(inspect().frames, 1);
	video_shm_producer_destroy(&producer);
	CHECK(shm_exists(ring_name));
	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_DEAD); /* not closed: that is for its new writer to say */
}

TEST_MAIN(60, TEST(a_living_writer_whose_lock_was_closed_keeps_its_ring_and_locks_it_anew),
		  TEST(files_that_have_got_the_numbers_stay_open),
		  TEST(a_reader_without_its_descriptor_tells_a_living_writer_from_a_dead_one),
		  TEST(readers_of_a_writer_that_lost_its_lock_do_not_take_it_for_dead),
		  TEST(a_reader_of_the_same_ring_that_has_got_the_number_keeps_it),
		  TEST(a_process_that_goes_on_as_another_program_does_not_keep_the_ring),
		  TEST(a_writer_whose_ring_was_taken_over_writes_no_more_and_closes_nothing))
