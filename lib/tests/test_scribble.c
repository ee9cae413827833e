/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that somebody with the right to write spoils while a reader is at them. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "object_bytes.h"

#define SLOTS 8u
#define SLOT_SIZE 2000u
#define PATIENCE_S 20 /* for calls that wait 5 ms */
#define READINGS 100

static uint64_t random_state;

static uint32_t random_word(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) ^ (uint32_t)(random_state << 7);
}

/* ---- scribbling ---- */

struct prey {
	const char *name;
	uint32_t policy, start;
	uint64_t object_size;
};

static void read_one(video_shm_consumer_t *consumer, uint64_t object_size)
{
	static uint8_t data[SLOT_SIZE + 64];
	video_shm_view_t view = {.struct_size = sizeof(view)};
	video_frame_meta_t meta = {0};
	volatile uint8_t byte = 0;
	int size;

	memset(data + SLOT_SIZE, 0x5a, 64);
	size = video_shm_consumer_receive(consumer, data, SLOT_SIZE, &meta, 5);
	CHECK(size <= (int)SLOT_SIZE && (size <= 0 || (uint32_t)size == meta.size));
	CHECK(meta.size <= SLOT_SIZE);
	for (unsigned at = 0; at < 64; at++)
		CHECK_EQ(data[SLOT_SIZE + at], 0x5a);
	size = video_shm_consumer_acquire(consumer, &view, 5);
	if (size <= 0)
		return;
	CHECK((uint32_t)size <= SLOT_SIZE && view.offset + (uint32_t)size <= object_size);
	for (int at = 0; at < size; at++)
		byte = (uint8_t)(byte ^ view.data[at]);
	CHECK(video_shm_consumer_release(consumer, &view) >= 0);
}

/* Every call comes back in time, with a size within the slot: SIGALRM or SIGSEGV say otherwise. */
static void read_all(void *argument)
{
	const struct prey *prey = argument;
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options),
												  .name = prey->name,
												  .start = prey->start,
												  .policy = prey->policy,
												  .resync = prey->start % 2,
												  .reconnect = 1};
	video_shm_slot_t slots[SLOTS] = {{.struct_size = sizeof(slots[0])}};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_consumer_t consumer;

	(void)alarm(PATIENCE_S);
	if (video_shm_consumer_open(&consumer, &options) != 0)
		return; /* it was spoilt before */
	for (int reading = 0; reading < READINGS; reading++) {
		read_one(&consumer, prey->object_size);
		CHECK_EQ(video_shm_consumer_info(&consumer, &info), 0);
		CHECK_EQ(info.received + info.missed + info.skipped, info.span);
		(void)video_shm_inspect(prey->name, &info);
		(void)video_shm_inspect_slots(prey->name, slots, SLOTS);
		(void)alarm(PATIENCE_S);
	}
	video_shm_consumer_destroy(&consumer);
}

static uint64_t spoilt_word(void)
{
	switch (random_word() % 6) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return random_word() % 64;
	case 3:
		return UINT64_C(1) << (random_word() % 64);
	case 4:
		return random_word() % (4 * SLOT_SIZE);
	default:
		return (uint64_t)random_word() << 32 | random_word();
	}
}

/* Header, extension, lines and metadata get words of all kinds, while the writer goes on writing. */
static void scribble_until_it_ends(pid_t reader, video_shm_producer_t *producer, const struct prey *prey,
								   uint64_t extension, int *status)
{
	const int fd = open(shm_path(prey->name), O_WRONLY | O_CLOEXEC);
	uint64_t frame = 0;

	CHECK(fd >= 0);
	while (waitpid(reader, status, WNOHANG) == 0) {
		const uint64_t word = spoilt_word();
		const uint64_t tail = prey->object_size - extension;
		uint64_t at = extension + random_word() % (tail - 8);

		if (random_word() % 4 == 0)
			at = random_word() % 56;
		if (random_word() % 4 == 0)
			at = 2016 + random_word() % SLOTS * 4096 + random_word() % 24; /* where the metadata lies */
		CHECK_EQ(pwrite(fd, &word, 1 + random_word() % 8, (off_t)at) > 0, true);
		if (random_word() % 2 == 0)
			(void)write_pattern(producer, frame++, 1 + random_word() % SLOT_SIZE, random_word() % 4 == 0);
		if (random_word() % 16 == 0)
			sleep_ms(1);
	}
	(void)close(fd);
}

static void scribble(uint64_t seed)
{
	const char *name = fresh_name();
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = SLOTS, .slot_size = SLOT_SIZE, .name = name};
	struct prey prey = {.name = name, .policy = (uint32_t)(seed % 3), .start = (uint32_t)(seed / 3 % 4)};
	video_shm_producer_t producer;
	struct stat status;
	int end = 0;

	random_state = seed;
	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	for (uint64_t frame = 0; frame < 2 * SLOTS; frame++)
		CHECK_EQ(write_pattern(&producer, frame, 500, frame % 5 == 0), 0);
	CHECK_EQ(stat(shm_path(name), &status), 0);
	prey.object_size = (uint64_t)status.st_size;
	scribble_until_it_ends(start_child(read_all, &prey), &producer, &prey,
						   64 * (uint64_t)peek32(name, AT_EXTENSION), &end);
	if (!WIFEXITED(end) || WEXITSTATUS(end) != 0)
		check_failed(__FILE__, __LINE__, "a reader bears it", "seed %llu: wait status 0x%x",
					 (unsigned long long)seed, (unsigned)end);
	video_shm_producer_destroy(&producer);
	(void)unlink(shm_path(name));
}

static void a_reader_bears_random_words_in_the_ring(void)
{
	const unsigned seeds = pick(24, 300);

	for (uint64_t seed = 1; seed <= seeds; seed++)
		scribble(seed);
}

/* ---- vanishing and shrinking ---- */

static uint8_t buffer[VIDEO_SHM_MAX_FRAME_SIZE];

static void is_over(video_shm_consumer_t *consumer)
{
	CHECK_FAILS(video_shm_consumer_wait(consumer, buffer, &(video_frame_meta_t){0}, 10000), EPIPE);
}

static void make_v1_ring(const char *name)
{
	make_object(name, V1_OBJECT_SIZE);
	poke32(name, AT_MAGIC, VIDEO_SHM_MAGIC);
	poke32(name, AT_VERSION, 1);
}

static void a_version_1_ring_that_vanishes_is_noticed_in_the_middle_of_a_wait(void)
{
	const char *name = fresh_name();
	video_shm_consumer_t consumer;

	make_v1_ring(name);
	open_consumer(&consumer, name);
	CHECK_EQ(video_shm_consumer_wait(&consumer, buffer, &(video_frame_meta_t){0}, 20), 0);
	CHECK_EQ(unlink(shm_path(name)), 0);
	is_over(&consumer);
	video_shm_consumer_destroy(&consumer);
}

static void a_ring_whose_magic_or_version_changes_is_noticed(void)
{
	const uint64_t words[] = {AT_MAGIC, AT_VERSION};

	for (size_t at = 0; at < 2; at++) {
		const char *name = fresh_name();
		video_shm_producer_t producer;
		video_shm_consumer_t consumer;

		open_producer(&producer, name);
		open_consumer(&consumer, name);
		CHECK_EQ(video_shm_consumer_wait(&consumer, buffer, &(video_frame_meta_t){0}, 20), 0);
		poke32(name, words[at], 7);
		is_over(&consumer);
		video_shm_consumer_destroy(&consumer);
		video_shm_producer_destroy(&producer);
	}
}

static void shrink_soon(void *argument)
{
	const off_t *size = argument;

	sleep_ms(150); /* the reader sleeps by then */
	CHECK_EQ(truncate(shm_path((const char *)(size + 1)), *size), 0);
}

struct cut {
	off_t size;
	char name[48];
};

/*
 * The kernel has no seal against it: between two looks a touch of what is gone is a SIGBUS, for us as for
 * anybody. What can be kept: who sleeps or has nothing to read meanwhile finds out by the size.
 */
static void shrinks(const char *name, off_t size)
{
	struct cut cut = {.size = size};
	video_shm_consumer_t consumer;
	pid_t child;

	(void)snprintf(cut.name, sizeof(cut.name), "%s", name);
	open_consumer(&consumer, name);
	child = start_child(shrink_soon, &cut);
	is_over(&consumer);
	CHECK_FAILS(video_shm_consumer_wait(&consumer, buffer, &(video_frame_meta_t){0}, 50), EPIPE);
	(void)info_of(&consumer);
	child_succeeds(child);
	video_shm_consumer_destroy(&consumer);
}

static void a_version_1_ring_that_shrinks_is_noticed_in_the_middle_of_a_wait(void)
{
	const off_t sizes[] = {4096, V1_OBJECT_SIZE / 2, V1_OBJECT_SIZE - 1};

	for (size_t at = 0; at < sizeof(sizes) / sizeof(sizes[0]); at++) {
		const char *name = fresh_name();

		make_v1_ring(name);
		shrinks(name, sizes[at]);
	}
}

/* The extension lies behind the slots: what is cut here is within its last page, so that no touch faults. */
static void a_ring_of_ours_that_shrinks_is_noticed_in_the_middle_of_a_wait(void)
{
	const off_t sizes[] = {V1_OBJECT_SIZE, V1_OBJECT_SIZE + 256, V1_OBJECT_SIZE + 256 + 64};

	for (size_t at = 0; at < sizeof(sizes) / sizeof(sizes[0]); at++) {
		const char *name = fresh_name();
		video_shm_producer_t producer;

		open_producer(&producer, name);
		shrinks(name, sizes[at]);
		video_shm_producer_destroy(&producer);
	}
}

TEST_MAIN(200, TEST(a_reader_bears_random_words_in_the_ring),
		  TEST(a_version_1_ring_that_vanishes_is_noticed_in_the_middle_of_a_wait),
		  TEST(a_ring_whose_magic_or_version_changes_is_noticed),
		  TEST(a_version_1_ring_that_shrinks_is_noticed_in_the_middle_of_a_wait),
		  TEST(a_ring_of_ours_that_shrinks_is_noticed_in_the_middle_of_a_wait))
