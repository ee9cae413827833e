/* SPDX-License-Identifier: Apache-2.0 */
/* log.c: what is worth a line reaches the callback, and nothing ever reaches the terminal. */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "log.h"
#include "processes.h"

static char lines[16][512];
static int levels[16];
static unsigned count;

static void keep_line(int level, const char *message, void *context)
{
	unsigned *counter = context;

	CHECK(*counter < 16);
	levels[*counter] = level;
	(void)snprintf(lines[(*counter)++], sizeof(lines[0]), "%s", message);
	errno = ENOTTY; /* what a callback does to errno is not the caller's */
}

static bool was_logged(int level, const char *words)
{
	for (unsigned at = 0; at < count; at++)
		if (levels[at] == level && strstr(lines[at], words) != NULL)
			return true;
	return false;
}

static void a_line_goes_to_the_callback_and_leaves_errno_alone(void)
{
	video_shm_set_log(keep_line, &count);
	errno = EXDEV;
	log_line(VIDEO_SHM_LOG_WARNING, "%s and %d", "one", 2);
	CHECK_EQ(count, 0); /* not before it may be: a lock may be held */
	log_deliver();
	CHECK_EQ(errno, EXDEV);
	CHECK_EQ(count, 1);
	CHECK(levels[0] == VIDEO_SHM_LOG_WARNING && strcmp(lines[0], "one and 2") == 0);
	video_shm_set_log(NULL, NULL);
	log_line(VIDEO_SHM_LOG_WARNING, "nobody listens");
	log_deliver();
	CHECK_EQ(count, 1);
}

/* A line for each frame would fill a disk. */
static void frames_are_never_logged(void)
{
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	const char *name = fresh_name();

	video_shm_set_log(keep_line, &count);
	open_producer(&producer, name);
	open_consumer(&consumer, name);
	for (uint64_t frame = 0; frame < 200; frame++) {
		CHECK_EQ(write_pattern(&producer, frame, 100, false), 0);
		if (frame % 50 == 0) /* lapped in between */
			CHECK_EQ(video_shm_consumer_read(&consumer, data, &meta), 100);
	}
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	CHECK_EQ(count, 0);
}

/* The writer looks at its ring's name every half second, when it writes. */
static int write_later(video_shm_producer_t *producer)
{
	sleep_ms(600);
	return write_pattern(producer, 0, 100, true);
}

static void a_ring_that_had_to_be_made_anew_is_logged(void)
{
	video_shm_producer_t producer;
	const char *name = fresh_name();

	video_shm_set_log(keep_line, &count);
	open_producer(&producer, name);
	CHECK_EQ(shm_unlink(name), 0);
	CHECK_EQ(write_later(&producer), 0);
	CHECK(was_logged(VIDEO_SHM_LOG_WARNING, "made anew"));
	CHECK(strstr(lines[0], name) != NULL);
	video_shm_producer_destroy(&producer);
}

static void a_name_that_was_taken_is_logged_once(void)
{
	video_shm_producer_t producer;
	const char *name = fresh_name();

	video_shm_set_log(keep_line, &count);
	open_producer(&producer, name);
	CHECK_EQ(shm_unlink(name), 0);
	CHECK_EQ(close(open(shm_path(name), O_RDWR | O_CREAT | O_EXCL, 0600)), 0);
	CHECK_FAILS(write_later(&producer), ESTALE);
	CHECK_FAILS(write_later(&producer), ESTALE);
	CHECK(was_logged(VIDEO_SHM_LOG_WARNING, "somebody else"));
	CHECK_EQ(count, 1);
	video_shm_producer_destroy(&producer);
}

static void a_semaphore_that_was_re_armed_is_logged(void)
{
	video_shm_producer_t producer;
	const int channel = fresh_channel();
	char name[64];

	(void)snprintf(name, sizeof(name), VIDEO_SHM_SEM_WRITE "_ch%d", channel);
	CHECK(sem_open(name, O_CREAT, 0660, 0) != SEM_FAILED);
	video_shm_set_log(keep_line, &count);
	CHECK_EQ(video_shm_producer_init_channel(&producer, channel), 0);
	CHECK(was_logged(VIDEO_SHM_LOG_WARNING, "re-armed"));
	video_shm_producer_destroy(&producer);
}

/* ---- nothing is printed ---- */

static const char *silent_name;

static void use_a_reader(void)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_shm_view_t view = {.struct_size = sizeof(view)};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_slot_t slot = {.struct_size = sizeof(slot)};
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	uint32_t total;

	open_consumer(&consumer, silent_name);
	CHECK_EQ(video_shm_consumer_read(&consumer, data, &meta), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 1), 0);
	CHECK_FAILS(video_shm_consumer_wait(&consumer, NULL, &meta, 1), EINVAL);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, VIDEO_SHM_NO_WAIT), 0);
	CHECK_FAILS(video_shm_consumer_release(&consumer, &view), EINVAL);
	video_shm_consumer_interrupt(&consumer);
	CHECK_FAILS(video_shm_consumer_receive(&consumer, data, 10, &meta, 1000), EINTR);
	CHECK_EQ(video_shm_consumer_stats(&consumer, &total, NULL, NULL), 0);
	CHECK_EQ(video_shm_consumer_info(&consumer, &info), 0);
	CHECK(video_shm_consumer_descriptor(&consumer) >= 0);
	CHECK_EQ(video_shm_inspect(silent_name, &info), 0);
	CHECK_EQ(video_shm_inspect_slots(silent_name, &slot, 1), 1);
	video_shm_consumer_destroy(&consumer);
	CHECK_FAILS(video_shm_consumer_read(&consumer, data, &meta), EBADF);
	CHECK_FAILS(video_shm_consumer_init_channel(&consumer, -1), EINVAL);
	CHECK_FAILS(video_shm_inspect("/vshm_test_there_is_none", &info), ENOENT);
}

static void use_a_writer(void *unused)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE + 1];
	const video_shm_producer_options_t options = {.struct_size = sizeof(options), .name = silent_name};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	const video_frame_meta_t meta = {0};
	video_shm_producer_t producer, second;
	uint32_t capacity;
	uint8_t *slot;

	(void)unused;
	open_producer(&producer, silent_name);
	CHECK_FAILS(video_shm_producer_open(&second, &options), EBUSY);
	CHECK_FAILS(video_shm_producer_init_channel(&second, -1), EINVAL);
	CHECK_FAILS(video_shm_producer_write(&producer, data, 0, &meta), EINVAL);
	CHECK_FAILS(video_shm_producer_write(&producer, data, sizeof(data), &meta), EMSGSIZE);
	CHECK_FAILS(video_shm_producer_commit(&producer, 1, &meta, NULL), EINVAL);
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	CHECK_EQ(video_shm_producer_write(&producer, data, 1, &meta), 1);
	video_shm_producer_abort(&producer);
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	CHECK_EQ(video_shm_producer_commit(&producer, 1, &meta, NULL), 0);
	CHECK_EQ(video_shm_producer_info(&producer, &info), 0);
	use_a_reader();
	CHECK_EQ(shm_unlink(silent_name), 0);
	CHECK_EQ(write_later(&producer), 0); /* made anew */
	CHECK_EQ(shm_unlink(silent_name), 0);
	CHECK_EQ(symlink("/dev/null", shm_path(silent_name)), 0);
	CHECK_FAILS(write_later(&producer), ESTALE);
	CHECK_FAILS(video_shm_producer_open(&second, &options), EPROTO);
	video_shm_producer_destroy(&producer);
	video_shm_producer_destroy(&producer);
}

/* Uses the original's names in a /dev/shm of its own, since others may be using them. */
static void use_the_originals_names(void *unused)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta = {0};

	(void)unused;
	if (!have_own_shm("40m"))
		return; /* not root: the other half of the test stands */
	CHECK_FAILS(video_shm_consumer_init(&consumer), ENOENT);
	CHECK_EQ(video_shm_producer_init(&producer), 0);
	CHECK_EQ(video_shm_consumer_init(&consumer), 0);
	CHECK_EQ(video_shm_producer_write(&producer, data, 5, &meta), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 5000), 5);
	video_shm_producer_destroy(&producer);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 20), 0);
	video_shm_consumer_destroy(&consumer);
}

static FILE *output;

struct part {
	void (*use)(void *);
};

static void with_output(void *part)
{
	(void)dup2(fileno(output), STDOUT_FILENO);
	(void)dup2(fileno(output), STDERR_FILENO);
	((const struct part *)part)->use(NULL);
	(void)fflush(NULL);
}

/* A camera's process may have anything as its stdout, a stream of pictures included. */
static void nothing_is_ever_printed(void)
{
	struct part parts[] = {{use_a_writer}, {use_the_originals_names}};
	char line[512];

	silent_name = fresh_name();
	output = tmpfile();
	CHECK(output != NULL);
	for (int part = 0; part < 2; part++) {
		const int status = await_child(start_child(with_output, &parts[part]));
		unsigned printed = 0;

		for (rewind(output); fgets(line, sizeof(line), output) != NULL; printed++)
			fprintf(stderr, "printed: %s", line);
		CHECK_EQ(status, 0);
		CHECK_EQ(printed, 0);
	}
}

TEST_MAIN(60, TEST(a_line_goes_to_the_callback_and_leaves_errno_alone), TEST(frames_are_never_logged),
		  TEST(a_ring_that_had_to_be_made_anew_is_logged), TEST(a_name_that_was_taken_is_logged_once),
		  TEST(a_semaphore_that_was_re_armed_is_logged), TEST(nothing_is_ever_printed))
