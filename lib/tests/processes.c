/* SPDX-License-Identifier: Apache-2.0 */
#include "processes.h"

#include <dirent.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 1000000u

void *share(size_t bytes)
{
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(base != MAP_FAILED);
	return base;
}

void await_least(_Atomic uint32_t *word, uint32_t least)
{
	while (atomic_load(word) < least)
		sleep_ms(1);
}

static bool adopts;

void adopt_orphans(void)
{
	adopts = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0; /* an emulator may not know it: then init reaps them */
}

void kill_orphan(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	if (adopts)
		(void)await_child(pid);
}

void sleep_until_ns(uint64_t deadline_ns)
{
	const struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
								   .tv_nsec = (long)(deadline_ns % 1000000000u)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
	}
}

uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* ---- the host's stalls ---- */

struct control {
	_Atomic uint64_t late_ns;
	_Atomic uint64_t longest_ns;
	_Atomic uint64_t last_tick_ns;
};

static struct control *control;

static void tick(void *unused)
{
	(void)unused;
	for (;;) {
		const uint64_t before = now_ns();

		sleep_ms(1);
		const uint64_t took = now_ns() - before;

		if (took > 2 * TICK_NS) {
			(void)atomic_fetch_add(&control->late_ns, took - TICK_NS);
			if (took > atomic_load(&control->longest_ns))
				atomic_store(&control->longest_ns, took);
		}
		atomic_store(&control->last_tick_ns, before + took);
	}
}

void watch_stalls(void)
{
	control = share(sizeof(*control));
	atomic_store(&control->last_tick_ns, now_ns());
	(void)start_child(tick, NULL);
}

uint64_t stalled_ns(void)
{
	const uint64_t last_ns = atomic_load(&control->last_tick_ns), now = now_ns();
	const uint64_t pending_ns = now > last_ns ? now - last_ns : 0;

	return atomic_load(&control->late_ns) + (pending_ns > 2 * TICK_NS ? pending_ns : 0);
}

uint64_t longest_stall_ns(void)
{
	return atomic_load(&control->longest_ns);
}

/* ---- frames ---- */

void join(video_shm_consumer_t *consumer, const video_shm_consumer_options_t *options)
{
	while (video_shm_consumer_open(consumer, options) != 0) {
		CHECK_EQ(errno, ENOENT);
		sleep_ms(1);
	}
}

uint64_t pattern_key(uint64_t frame, uint32_t salt)
{
	return frame + ((uint64_t)salt << 40);
}

int write_salted(video_shm_producer_t *producer, uint64_t frame, uint32_t salt, uint32_t size, bool keyframe)
{
	static uint8_t data[1 << 20];
	const video_frame_meta_t meta = {
		.is_keyframe = keyframe, .width = (uint16_t)salt, .height = 360, .fps = 30};

	CHECK(size <= sizeof(data));
	fill_pattern(data, size, pattern_key(frame, salt & 0xffff));
	return video_shm_producer_write(producer, data, size, &meta);
}

bool is_salted(const uint8_t *data, const video_frame_meta_t *meta)
{
	return has_pattern(data, meta->size, pattern_key(meta->sequence, meta->width));
}

/* ---- names and resources ---- */

const char *channel_ring(int channel)
{
	static char name[64];

	(void)snprintf(name, sizeof(name), VIDEO_SHM_NAME "_ch%d", channel);
	return name;
}

bool semaphores_exist(int channel)
{
	const char *const stems[] = {VIDEO_SHM_SEM_WRITE, VIDEO_SHM_SEM_READ};
	bool there = false;

	for (int at = 0; at < 2; at++) {
		char name[64];
		sem_t *semaphore;

		(void)snprintf(name, sizeof(name), "%s_ch%d", stems[at], channel);
		semaphore = sem_open(name, 0);
		if (semaphore == SEM_FAILED)
			continue;
		(void)sem_close(semaphore);
		there = true;
	}
	return there;
}

unsigned count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned count = 0;

	CHECK(directory != NULL);
	while (readdir(directory) != NULL)
		count++;
	(void)closedir(directory);
	return count;
}

unsigned count_mappings(const char *text)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned count = 0;

	CHECK(maps != NULL);
	while (fgets(line, sizeof(line), maps) != NULL)
		count += strstr(line, text) != NULL;
	(void)fclose(maps);
	return count;
}

/* ---- in the middle of a copy ---- */

static uint8_t *faulting_page;
static void (*fault_action)(void);

static void on_fault(int number, siginfo_t *info, void *context)
{
	const long page_size = sysconf(_SC_PAGESIZE);
	const uintptr_t at = (uintptr_t)info->si_addr, page = (uintptr_t)faulting_page;

	(void)number;
	(void)context;
	if (at < page || at >= page + (uintptr_t)page_size) {
		(void)signal(SIGSEGV, SIG_DFL); /* somebody else's: it faults again, for good */
		return;
	}
	fault_action();
	if (mprotect(faulting_page, (size_t)page_size, PROT_READ | PROT_WRITE) != 0)
		_exit(1);
}

void fault_once(uint8_t *page, void (*action)(void))
{
	struct sigaction handler = {.sa_flags = SA_SIGINFO | SA_NODEFER};

	handler.sa_sigaction = on_fault;
	(void)sigemptyset(&handler.sa_mask);
	faulting_page = page;
	fault_action = action;
	CHECK_EQ(sigaction(SIGSEGV, &handler, NULL), 0);
	CHECK_EQ(mprotect(page, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE), 0);
}
