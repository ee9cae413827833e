/* SPDX-License-Identifier: Apache-2.0 */
/* wait.c: the futex between processes, through a mapping that can't write. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "signals.h"
#include "wait.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

/* What all processes see. */
struct shared {
	_Atomic uint32_t word;
	_Atomic uint32_t awake; /* waiters that were woken */
};

static struct shared *writable;
static const struct shared *readable;

static void map_both(void)
{
	const char *path = shm_path(fresh_name());
	const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const int reader = open(path, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0 && reader >= 0);
	CHECK_EQ(ftruncate(fd, 4096), 0);
	writable = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	readable = mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0);
	CHECK(writable != MAP_FAILED && readable != MAP_FAILED);
}

/* ---- between processes ---- */

/* Sleeps on the read-only mapping until it is woken. */
static void sleep_on(void *bits)
{
	const uint64_t end = wait_system.now() + 60 * SECOND;

	CHECK_EQ(wait_system.wait(&readable->word, 0, end, *(const uint32_t *)bits), 0);
	CHECK(wait_system.now() < end);
	atomic_fetch_add(&writable->awake, 1);
}

/* Starts a child, and waits until it is asleep. */
static pid_t sleeper(uint32_t bits)
{
	const pid_t pid = start_child(sleep_on, &bits);
	char path[64], text[512];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int asleep = 0; asleep < 3; sleep_ms(10)) { /* three looks: it may also sleep on its way there */
		FILE *file = fopen(path, "r");

		CHECK(file != NULL);
		CHECK(fgets(text, sizeof(text), file) != NULL);
		asleep = strstr(text, ") S ") != NULL ? asleep + 1 : 0;
		(void)fclose(file);
	}
	return pid;
}

/* Readers may not write; a futex that asked for more than reading would fail or fault there. */
static void one_wake_reaches_all_through_their_read_only_mappings(void)
{
	pid_t children[4];

	map_both();
	for (int at = 0; at < 4; at++)
		children[at] = sleeper(1);
	CHECK_EQ(atomic_load(&writable->awake), 0);
	wait_system.wake(&writable->word, 1);
	for (int at = 0; at < 4; at++)
		child_succeeds(children[at]);
}

/* A reader of keyframes that woke for every frame would cost as much as one of all frames. */
static void a_wake_reaches_only_those_who_wait_for_its_bits(void)
{
	pid_t frames, keyframes, both;

	map_both();
	frames = sleeper(1);
	keyframes = sleeper(2);
	both = sleeper(1 | 2 | 8);
	wait_system.wake(&writable->word, 1);
	child_succeeds(frames);
	child_succeeds(both);
	sleep_ms(100);
	CHECK_EQ(atomic_load(&writable->awake), 2);
	wait_system.wake(&writable->word, 2 | 4);
	child_succeeds(keyframes);
}

/* Between a look at the ring and falling asleep a frame may come. */
static void a_word_that_has_changed_lets_nobody_sleep(void)
{
	map_both();
	atomic_store(&writable->word, 5);
	CHECK_EQ(wait_system.wait(&readable->word, 4, WAIT_FOREVER, 1), 0);
}

/* ---- time ---- */

static void a_sleep_lasts_until_its_deadline(void)
{
	static const uint64_t lengths[] = {1, MS, 50 * MS, 300 * MS};

	map_both();
	for (size_t at = 0; at < 4; at++) {
		const uint64_t deadline = wait_system.now() + lengths[at];

		CHECK_EQ(wait_system.wait(&readable->word, 0, deadline, 1), 0);
		CHECK(wait_system.now() >= deadline);
	}
}

static void a_deadline_that_has_passed_does_not_sleep(void)
{
	map_both();
	CHECK_EQ(wait_system.wait(&readable->word, 0, 0, 1), 0);
	CHECK_EQ(wait_system.wait(&readable->word, 0, 1, 1), 0);
	CHECK_EQ(wait_system.wait(&readable->word, 0, wait_system.now(), 1), 0);
}

static void the_clocks_are_the_systems(void)
{
	struct timespec wall;
	const uint64_t before = now_ns(), between = wait_system.now(), after = now_ns();
	uint64_t seen;

	CHECK(before <= between && between <= after);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &wall), 0);
	seen = wait_wall_clock() / SECOND;
	CHECK(seen + 60 > (uint64_t)wall.tv_sec && seen < (uint64_t)wall.tv_sec + 60);
}

/* ---- signals ---- */

static void do_nothing(int number)
{
	(void)number;
}

/* A timer that fires again and again, so that one comes while it sleeps. */
static void signals_end_a_sleep(int flags, uint64_t deadline)
{
	timer_t timer;

	map_both();
	on_signal(SIGUSR1, do_nothing, flags);
	timer = start_timer(SIGUSR1, 20000, 20000);
	CHECK_FAILS(wait_system.wait(&readable->word, 0, deadline, 1), EINTR);
	stop_timer(timer);
}

static void a_signal_ends_a_sleep_with_eintr(void)
{
	signals_end_a_sleep(0, wait_system.now() + 30 * SECOND);
}

/* The kernel restarts an endless sleep behind such a handler's back: while (running) would never look again.
 */
static void so_does_one_that_was_installed_with_sa_restart(void)
{
	signals_end_a_sleep(SA_RESTART, wait_system.now() + 30 * SECOND);
}

static void an_endless_sleep_has_an_end_too(void)
{
	signals_end_a_sleep(SA_RESTART, WAIT_FOREVER);
}

TEST_MAIN(100, TEST(one_wake_reaches_all_through_their_read_only_mappings),
		  TEST(a_wake_reaches_only_those_who_wait_for_its_bits),
		  TEST(a_word_that_has_changed_lets_nobody_sleep), TEST(a_sleep_lasts_until_its_deadline),
		  TEST(a_deadline_that_has_passed_does_not_sleep), TEST(the_clocks_are_the_systems),
		  TEST(a_signal_ends_a_sleep_with_eintr), TEST(so_does_one_that_was_installed_with_sa_restart),
		  TEST(an_endless_sleep_has_an_end_too))
