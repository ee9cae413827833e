/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "video_shm.h"

#define CHILDREN_MAX 320u
#define POLL_NS 1000000u
#define GRACE_NS (5 * NS_PER_S) /* for what only has to read its last frame, or to remove its ring */

struct board {
	_Atomic uint32_t ready;
	_Atomic uint32_t going;
	_Atomic uint32_t stop;
	_Atomic uint32_t abandon; /* a child has failed: the others end too */
};

struct child {
	pid_t pid;
	bool tidy;
};

static struct board *board;
static struct child children[CHILDREN_MAX];
static unsigned child_count, failures;
static pid_t owner;

static void on_signal(int signal)
{
	(void)signal;
	atomic_store(&board->stop, 1);
}

void fleet_init(void)
{
	const struct sigaction action = {.sa_handler = on_signal};

	board = fleet_share(sizeof(*board));
	owner = getpid();
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
}

bool fleet_stopped(void)
{
	return (atomic_load_explicit(&board->stop, memory_order_relaxed) |
			atomic_load_explicit(&board->abandon, memory_order_relaxed)) != 0;
}

uint64_t fleet_now_ns(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

void fleet_sleep_ns(uint64_t ns)
{
	const struct timespec time = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	(void)nanosleep(&time, NULL);
}

void *fleet_share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		fleet_die("no memory");
	return memory;
}

void fleet_unshare(void *memory, size_t size)
{
	(void)munmap(memory, size);
}

/* ---- children ---- */

pid_t fleet_fork(void (*work)(void *), void *argument)
{
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		fleet_die("fork");
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != owner)
		_exit(1);
	/* A terminal's Ctrl-C goes to all: the parent tells us when to end. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	work(argument);
	_exit(0);
}

void fleet_start(void (*work)(void *), void *argument, bool tidy)
{
	if (child_count == CHILDREN_MAX)
		fleet_die("too many processes");
	children[child_count++] = (struct child){fleet_fork(work, argument), tidy};
}

/* Returns how many children still run, or how many tidy ones. */
static unsigned reap(bool tidy_only)
{
	unsigned running = 0;

	for (unsigned at = 0; at < child_count; at++) {
		int status = 0;

		if (children[at].pid > 0 && waitpid(children[at].pid, &status, WNOHANG) == children[at].pid) {
			failures += status != 0;
			children[at].pid = 0;
			if (failures > 0)
				atomic_store(&board->abandon, 1);
		}
		running += children[at].pid > 0 && (children[at].tidy || !tidy_only);
	}
	return running;
}

static void kill_all(void)
{
	for (unsigned at = 0; at < child_count; at++) {
		if (children[at].pid <= 0)
			continue;
		(void)kill(children[at].pid, SIGKILL);
		while (waitpid(children[at].pid, NULL, 0) < 0 && errno == EINTR) {
		}
		children[at].pid = 0;
		failures++;
	}
}

/* Returns whether they all end within grace_ns of the first time that they should. */
static bool await(bool tidy_only, uint64_t grace_ns, bool only_if_stopped)
{
	uint64_t since_ns = 0;

	while (reap(tidy_only) > 0) {
		const bool counts = !only_if_stopped || fleet_stopped();

		if (counts && since_ns == 0)
			since_ns = fleet_now_ns();
		if (counts && fleet_now_ns() - since_ns > grace_ns)
			return false;
		fleet_sleep_ns(POLL_NS);
	}
	return true;
}

bool fleet_finish(void)
{
	bool good;

	/* As long as it takes; but not, once one has failed or the user has had enough. */
	good = await(true, GRACE_NS, true);
	if (good)
		good = await(false, fleet_stopped() ? 0 : GRACE_NS, false);
	kill_all();
	good = good && failures == 0 && !fleet_stopped();
	child_count = failures = 0;
	atomic_store(&board->ready, 0);
	atomic_store(&board->going, 0);
	atomic_store(&board->abandon, 0);
	return good;
}

_Noreturn void fleet_die(const char *what)
{
	const int error = errno;

	fprintf(stderr, "video_shm_bench: %s: %s\n", what, strerror(error));
	if (getpid() != owner)
		_exit(1);
	if (board != NULL)
		atomic_store(&board->stop, 1);
	(void)fleet_finish();
	fleet_remove_rings();
	exit(1);
}

void fleet_ready(void)
{
	(void)atomic_fetch_add(&board->ready, 1);
	while (atomic_load(&board->going) == 0 && !fleet_stopped())
		fleet_sleep_ns(POLL_NS / 10);
}

bool fleet_await_ready(unsigned count)
{
	while (atomic_load(&board->ready) < count) {
		(void)reap(false);
		if (fleet_stopped())
			return false;
		fleet_sleep_ns(POLL_NS / 10);
	}
	return true;
}

void fleet_go(void)
{
	atomic_store(&board->going, 1);
}

/* ---- names ---- */

static unsigned channel(unsigned number)
{
	return FLEET_FIRST_CHANNEL + (unsigned)owner * FLEET_RINGS_MAX + number;
}

void fleet_ring_name(char *name, size_t size, unsigned number)
{
	(void)snprintf(name, size, VIDEO_SHM_NAME "_ch%u", channel(number));
}

void fleet_remove_rings(void)
{
	char name[64];

	for (unsigned number = 0; number < FLEET_RINGS_MAX; number++) {
		fleet_ring_name(name, sizeof(name), number);
		(void)shm_unlink(name);
		(void)snprintf(name, sizeof(name), VIDEO_SHM_SEM_WRITE "_ch%u", channel(number));
		(void)sem_unlink(name);
		(void)snprintf(name, sizeof(name), VIDEO_SHM_SEM_READ "_ch%u", channel(number));
		(void)sem_unlink(name);
	}
}
