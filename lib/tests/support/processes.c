/* SPDX-License-Identifier: Apache-2.0 */
#include "processes.h"

#include <dirent.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

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

void keep_busy(void *unused)
{
	const volatile bool always = true;

	(void)unused;
	while (always) {
	}
}

uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* ---- what a process has ---- */

static bool is_mapped(pid_t pid, const char *name)
{
	char path[64], line[512];
	bool found = false;
	FILE *maps;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	CHECK(maps != NULL);
	while (!found && fgets(line, sizeof(line), maps) != NULL)
		found = strstr(line, name) != NULL;
	(void)fclose(maps);
	return found;
}

void await_mapped(pid_t pid, const char *name)
{
	while (!is_mapped(pid, name))
		sleep_ms(5);
}

static bool sleeps(pid_t pid)
{
	char path[64], line[512], state = 0;
	FILE *stat;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	stat = fopen(path, "re");
	CHECK(stat != NULL);
	CHECK(fgets(line, sizeof(line), stat) != NULL);
	(void)fclose(stat);
	CHECK_EQ(sscanf(strrchr(line, ')'), ") %c", &state), 1);
	return state == 'S';
}

void await_sleep(pid_t pid)
{
	while (!sleeps(pid))
		sleep_ms(1);
}

static bool is_handled(pid_t pid, int signal)
{
	unsigned long long caught = 0;
	char path[64], line[128];
	FILE *status;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	CHECK(status != NULL);
	while (fgets(line, sizeof(line), status) != NULL && sscanf(line, "SigCgt: %llx", &caught) != 1) {
	}
	(void)fclose(status);
	return (caught >> (signal - 1) & 1) != 0;
}

void await_handler(pid_t pid, int signal)
{
	while (!is_handled(pid, signal))
		sleep_ms(5);
	if (is_emulated())
		sleep_ms(500);
}

void says(FILE *output, const char *expected)
{
	char line[256] = "";

	CHECK(fgets(line, sizeof(line), output) != NULL);
	if (strncmp(line, expected, strlen(expected)) != 0)
		check_failed(__FILE__, __LINE__, "the line begins as expected", "\"%s\", not \"%s\"", line, expected);
}

double cpu_s(pid_t pid)
{
	struct timespec time;
	clockid_t clock;

	CHECK_EQ(clock_getcpuclockid(pid, &clock), 0);
	CHECK_EQ(clock_gettime(clock, &time), 0);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void become(uid_t user, gid_t group, gid_t extra)
{
	CHECK_EQ(setgroups(1, &extra), 0);
	CHECK_EQ(setgid(group), 0);
	CHECK_EQ(setuid(user), 0);
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0); /* which a change of user takes back */
}

void needs_root(void)
{
	if (geteuid() != 0)
		skip_test("needs other users and mounts: run it as root");
}

bool have_own_shm(const char *size)
{
	char options[64];

	(void)snprintf(options, sizeof(options), "size=%s,mode=1777", size);
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		   mount("none", "/dev/shm", "tmpfs", 0, options) == 0;
}

void close_descriptors(void)
{
	for (int fd = FIRST_DESCRIPTOR; fd < DESCRIPTORS_END; fd++)
		(void)close(fd);
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
