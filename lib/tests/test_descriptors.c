/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors 0 to 2 are the program's own even where they are closed; and what is no regular file is not
 * opened. */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"

static const char words[] = "any library's message on stderr\n";

/* Ends with the line of the claim that fails: there is no stderr to tell it on. */
#define CLAIM(claim)                                                                                         \
	do {                                                                                                     \
		if (!(claim))                                                                                        \
			_exit(__LINE__ % 255 + 1);                                                                       \
	} while (0)

/* Uses the ring of a channel, which has semaphores, too. */
static void use_a_ring_without_standard_streams(void *channel)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	const video_frame_meta_t meta = {.is_keyframe = 1};
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t got;
	uint64_t offset;
	uint32_t capacity;
	uint8_t *slot;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)close(fd);
	CLAIM(video_shm_producer_init_channel(&producer, *(const int *)channel) == 0);
	CLAIM(video_shm_consumer_init_channel(&consumer, *(const int *)channel) == 0);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		CLAIM(write(fd, words, sizeof(words)) < 0 && errno == EBADF);
	CLAIM(video_shm_consumer_descriptor(&consumer) > STDERR_FILENO);
	CLAIM(video_shm_producer_reserve(&producer, &slot, &capacity) == 0);
	CLAIM(video_shm_producer_descriptor(&producer, &offset) > STDERR_FILENO);
	slot[0] = 7;
	CLAIM(video_shm_producer_commit(&producer, 1, &meta, NULL) == 0);
	CLAIM(video_shm_consumer_wait(&consumer, data, &got, 1000) == 1 && data[0] == 7);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

static void a_ring_never_lies_under_a_standard_stream(void)
{
	int channel = fresh_channel();

	CHECK_EQ(await_child(start_child(use_a_ring_without_standard_streams, &channel)), 0);
}

static const char *fifo;
static _Atomic uint32_t *woken;

static void wait_for_a_reader(void *unused)
{
	(void)unused;
	(void)!open(shm_path(fifo), O_WRONLY | O_CLOEXEC);
	atomic_store(woken, 1);
}

static bool sleeps(pid_t pid)
{
	char path[32], text[512] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	(void)!read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	return strstr(text, "fifo") != NULL || strstr(text, "pipe") != NULL;
}

/* Its writer sleeps until somebody reads. Were it woken, SIGPIPE would kill it at its first word. */
static void looking_does_not_wake_a_fifos_writer(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_slot_t slot = {.struct_size = sizeof(slot)};
	video_shm_consumer_options_t options = {.struct_size = sizeof(options)};
	video_shm_producer_options_t writing = {.struct_size = sizeof(writing)};
	video_shm_consumer_t consumer;
	video_shm_producer_t producer;
	pid_t writer;

	options.name = writing.name = fifo = fresh_name();
	woken = mmap(NULL, sizeof(*woken), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(woken != MAP_FAILED);
	CHECK_EQ(mkfifo(shm_path(fifo), 0600), 0);
	writer = start_child(wait_for_a_reader, NULL);
	for (int tries = 0; tries < 100 && !sleeps(writer);
		 tries++) /* where /proc does not tell, time has to do */
		sleep_ms(5);
	CHECK_FAILS(video_shm_inspect(fifo, &info), EPROTO);
	CHECK_FAILS(video_shm_inspect_slots(fifo, &slot, 1), EPROTO);
	CHECK_FAILS(video_shm_consumer_open(&consumer, &options), EPROTO);
	CHECK_FAILS(video_shm_producer_open(&producer, &writing), EPROTO);
	sleep_ms(50);
	CHECK_EQ(atomic_load(woken), 0);
	kill_child(writer);
	CHECK_EQ(unlink(shm_path(fifo)), 0);
}

TEST_MAIN(60, TEST(a_ring_never_lies_under_a_standard_stream), TEST(looking_does_not_wake_a_fifos_writer))
