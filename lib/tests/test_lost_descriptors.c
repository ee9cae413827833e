/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that make themselves daemons close every descriptor they find, and their next files get the
 * numbers: the files stay theirs. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "processes.h"

static struct {
	_Atomic uint32_t up;
	_Atomic uint32_t go_on;
} * shared;

static const char *ring_name;

/* Each number is another file's now. */
static void take_all_numbers(void)
{
	int fd;

	close_descriptors();
	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		CHECK(fd >= 0);
	} while (fd < DESCRIPTORS_END - 1);
}

static void check_numbers_are_still_theirs(void)
{
	struct stat null, status;

	CHECK_EQ(stat("/dev/null", &null), 0);
	for (int fd = FIRST_DESCRIPTOR; fd < DESCRIPTORS_END; fd++) {
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

static void numbers_are_still_theirs(void *unused)
{
	(void)unused;
	check_numbers_are_still_theirs(); /* fork's handlers let go of a parent's ring */
}

static void close_handles_without_descriptors(void *unused)
{
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;

	(void)unused;
	CHECK_EQ(try_open(&producer), 0);
	open_consumer(&consumer, ring_name);
	take_all_numbers();
	child_succeeds(start_child(numbers_are_still_theirs, NULL));
	video_shm_consumer_destroy(&consumer);
	check_numbers_are_still_theirs();
	video_shm_producer_destroy(&producer);
	check_numbers_are_still_theirs();
}

static void ask_for_descriptors_that_were_closed(void *unused)
{
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	uint64_t offset;
	uint32_t capacity;
	uint8_t *slot;

	(void)unused;
	CHECK_EQ(try_open(&producer), 0);
	open_consumer(&consumer, ring_name);
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	take_all_numbers();
	CHECK(video_shm_consumer_descriptor(&consumer) >= DESCRIPTORS_END); /* opened anew */
	CHECK(video_shm_producer_descriptor(&producer, &offset) >= DESCRIPTORS_END);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	check_numbers_are_still_theirs();
}

/* Where the name is gone, nothing can be opened anew: better none than a stranger's. */
static void ask_for_descriptors_of_a_nameless_ring(void *unused)
{
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	uint64_t offset;
	uint32_t capacity;
	uint8_t *slot;

	(void)unused;
	CHECK_EQ(try_open(&producer), 0);
	open_consumer(&consumer, ring_name);
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	take_all_numbers();
	CHECK_EQ(unlink(shm_path(ring_name)), 0);
	CHECK_FAILS(video_shm_consumer_descriptor(&consumer), ENOENT);
	CHECK_FAILS(video_shm_producer_descriptor(&producer, &offset), ENOENT);
	CHECK_EQ(creat(shm_path(ring_name), 0600), DESCRIPTORS_END);
	CHECK_FAILS(video_shm_consumer_descriptor(&consumer), ESTALE);
	CHECK_FAILS(video_shm_producer_descriptor(&producer, &offset), ESTALE);
	CHECK_EQ(unlink(shm_path(ring_name)), 0);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	check_numbers_are_still_theirs();
}

static void files_that_have_got_the_numbers_stay_open(void)
{
	ring_name = fresh_name();
	child_succeeds(start_child(close_handles_without_descriptors, NULL));
	child_succeeds(start_child(ask_for_descriptors_that_were_closed, NULL));
	child_succeeds(start_child(ask_for_descriptors_of_a_nameless_ring, NULL));
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
	CHECK(video_shm_consumer_descriptor(&consumer) >= DESCRIPTORS_END); /* its own again */
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

TEST_MAIN(60, TEST(files_that_have_got_the_numbers_stay_open),
		  TEST(a_reader_without_its_descriptor_tells_a_living_writer_from_a_dead_one))
