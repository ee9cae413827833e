/* SPDX-License-Identifier: Apache-2.0 */
/* A log callback is a stranger's code: it forks, calls the library, waits for other threads. No lock may be
 * held. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"

static unsigned calls;

#define LOOK_MS 600      /* the writer looks at its ring's name every half second, when it writes */
#define GIVEN_UP_MS 1100 /* who has a semaphore for longer than a second is dead */

static void fork_and_wait(void)
{
	int status = -1;
	const pid_t child = fork(); /* takes the library's lock of forks in this very thread */

	CHECK(child >= 0);
	if (child == 0)
		_exit(0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void *open_and_close(void *unused)
{
	video_shm_producer_t other;

	(void)unused;
	open_producer(&other, fresh_name());
	CHECK_EQ(write_pattern(&other, 0, 100, true), 0);
	video_shm_producer_destroy(&other);
	fork_and_wait();
	return NULL;
}

/* All that would stand still for ever if the library held a lock meanwhile, by this thread and by another
 * one. */
static void do_everything(int level, const char *message, void *context)
{
	pthread_t other;

	(void)level;
	(void)message;
	(void)context;
	calls++;
	fork_and_wait();
	(void)open_and_close(NULL);
	CHECK_EQ(pthread_create(&other, NULL, open_and_close, NULL), 0);
	CHECK_EQ(pthread_join(other, NULL), 0);
	errno = ENOTTY;
}

static char write_semaphore[64];

/* Returns a channel whose write semaphore somebody has taken and never gives back. */
static int channel_with_taken_semaphore(void)
{
	const int channel = fresh_channel();

	(void)snprintf(write_semaphore, sizeof(write_semaphore), VIDEO_SHM_SEM_WRITE "_ch%d", channel);
	CHECK(sem_open(write_semaphore, O_CREAT, 0660, 0) != SEM_FAILED);
	return channel;
}

static void a_callback_may_do_anything_while_a_ring_is_opened(void)
{
	const int channel = channel_with_taken_semaphore();
	video_shm_producer_t producer;

	video_shm_set_log(do_everything, NULL);
	CHECK_EQ(video_shm_producer_init_channel(&producer, channel), 0);
	CHECK_EQ(calls, 1);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	video_shm_producer_destroy(&producer);
}

static void a_callback_may_do_anything_while_a_frame_is_written(void)
{
	video_shm_producer_t producer;
	const char *name = fresh_name();

	open_producer(&producer, name);
	video_shm_set_log(do_everything, NULL);
	CHECK_EQ(shm_unlink(name), 0);
	sleep_ms(LOOK_MS);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	CHECK_EQ(calls, 1);
	CHECK_EQ(write_pattern(&producer, 1, 100, true), 0);
	video_shm_producer_destroy(&producer);
}

static void a_callback_may_do_anything_once_the_ring_was_lost(void)
{
	video_shm_producer_t producer;
	const char *name = fresh_name();

	open_producer(&producer, name);
	video_shm_set_log(do_everything, NULL);
	CHECK_EQ(shm_unlink(name), 0);
	CHECK_EQ(close(open(shm_path(name), O_RDWR | O_CREAT | O_EXCL, 0600)), 0);
	sleep_ms(LOOK_MS);
	CHECK_FAILS(write_pattern(&producer, 0, 100, true), ESTALE);
	CHECK_EQ(calls, 1);
	video_shm_producer_destroy(&producer);
}

/* The line is told by the call that had to, whoever commits what it reserved. */
static void a_callback_may_do_anything_while_a_slot_is_reserved(void)
{
	const video_frame_meta_t meta = {.is_keyframe = 1};
	video_shm_producer_t producer;
	const int channel = fresh_channel();
	uint32_t capacity;
	uint8_t *slot;
	sem_t *write;

	CHECK_EQ(video_shm_producer_init_channel(&producer, channel), 0);
	(void)snprintf(write_semaphore, sizeof(write_semaphore), VIDEO_SHM_SEM_WRITE "_ch%d", channel);
	write = sem_open(write_semaphore, 0);
	CHECK(write != SEM_FAILED && sem_trywait(write) == 0);
	video_shm_set_log(do_everything, NULL);
	CHECK_FAILS(video_shm_producer_reserve(&producer, &slot, &capacity), EBUSY);
	sleep_ms(GIVEN_UP_MS);
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	CHECK_EQ(calls, 1);
	slot[0] = 1;
	CHECK_EQ(video_shm_producer_commit(&producer, 1, &meta, NULL), 0);
	CHECK_EQ(write_pattern(&producer, 1, 100, true), 0);
	CHECK_EQ(calls, 1);
	video_shm_producer_destroy(&producer);
}

static video_shm_producer_t closed;

static void close_it(int level, const char *message, void *context)
{
	(void)level;
	(void)message;
	(void)context;
	calls++;
	video_shm_producer_destroy(&closed);
}

static void a_callback_may_close_the_ring_that_it_hears_of(void)
{
	const char *name = fresh_name();

	open_producer(&closed, name);
	video_shm_set_log(close_it, NULL);
	CHECK_EQ(shm_unlink(name), 0);
	sleep_ms(LOOK_MS);
	CHECK_EQ(write_pattern(&closed, 0, 100, true), 0);
	CHECK_EQ(calls, 1);
	CHECK_FAILS(write_pattern(&closed, 1, 100, true), EBADF);
}

TEST_MAIN(60, TEST(a_callback_may_do_anything_while_a_ring_is_opened),
		  TEST(a_callback_may_do_anything_while_a_frame_is_written),
		  TEST(a_callback_may_do_anything_once_the_ring_was_lost),
		  TEST(a_callback_may_do_anything_while_a_slot_is_reserved),
		  TEST(a_callback_may_close_the_ring_that_it_hears_of))
