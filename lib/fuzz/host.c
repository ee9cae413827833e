/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"

#define GROUP_VIDEO 44
#define START_TICKS 5000 /* when each process was started */
#define SHIFT_S 3600     /* what the time namespace adds */
#define PID_NAMESPACE 4026531836u
#define TIME_NAMESPACE 4026531834u

static enum host_kind current;
static uint8_t current_detail;
static uint32_t until_refused; /* calls; 0: none is refused */
static uint64_t passed_ns;

void host_begin(enum host_kind kind, uint8_t detail)
{
	current = kind;
	current_detail = detail;
	until_refused = kind == HOST_REFUSES ? detail % 128u + 1 : 0;
	passed_ns = 0; /* what an input does depends on nothing that was before it */
}

enum host_kind host_kind(void)
{
	return current;
}

bool host_refuses(int error)
{
	if (until_refused == 0 || --until_refused != 0)
		return false;
	if (current_detail >= 128)
		until_refused = 1;
	errno = error;
	return true;
}

mode_t host_umask(void)
{
	return current == HOST_CLOSED_STREAMS && current_detail % 2 != 0 ? 0777 : 0;
}

/* ---- time ---- */

void host_time_passes(uint32_t ms)
{
	passed_ns += (uint64_t)ms * 1000000;
}

/* The clock goes on whenever it is read, so that nothing takes for ever or depends on the real host. */
int fuzz_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	passed_ns += 100000;
	time->tv_sec = (time_t)(1000 + passed_ns / 1000000000);
	time->tv_nsec = (long)(passed_ns % 1000000000);
	return 0;
}

int fuzz_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time;
	(void)left;
	fuzz_turn();
	host_time_passes(5);
	return 0;
}

/* Answers futex calls without sleeping. Half of the waits are in vain. */
long fuzz_syscall(long number, ...)
{
	(void)number;
	if (host_refuses(EINTR))
		return -1;
	(void)fuzz_nanosleep(NULL, NULL);
	errno = current == HOST_NO_FUTEX ? ENOSYS : ETIMEDOUT;
	return current == HOST_NO_FUTEX || passed_ns / 5000000 % 2 == 0 ? -1 : 0;
}

/* ---- processes and users ---- */

static bool lives(long pid)
{
	return pid == HOST_SELF || pid == HOST_OTHER;
}

pid_t fuzz_getpid(void)
{
	return HOST_SELF;
}

uid_t fuzz_geteuid(void)
{
	return HOST_USER;
}

/* Returns the limit of a file's size, which is all that is asked for. */
int fuzz_getrlimit(int resource, struct rlimit *limit)
{
	(void)resource;
	limit->rlim_cur = limit->rlim_max = host_refuses(EFBIG) ? 1 : RLIM_INFINITY;
	return 0;
}

int fuzz_kill(pid_t pid, int signal)
{
	(void)signal;
	if (lives(pid) || pid == HOST_ZOMBIE)
		return 0;
	errno = ESRCH;
	return -1;
}

int fuzz_getgrnam_r(const char *name, struct group *entry, char *text, size_t size, struct group **found)
{
	(void)name;
	(void)text;
	(void)size;
	entry->gr_gid = GROUP_VIDEO;
	*found = entry;
	return 0;
}

/* ---- /proc ---- */

enum { SHIFTED, OTHER_FOR_CHILDREN, NO_NAMESPACES, NO_OFFSETS, TIME_DETAILS };

static const char *offsets(void)
{
	static const char *const texts[TIME_DETAILS] = {
		[SHIFTED] = "monotonic 0 0\nboottime 3600 0\n", [NO_OFFSETS] = "nothing\n"};

	if (current != HOST_TIME_NAMESPACE)
		return "monotonic 0 0\nboottime 0 0\n";
	return texts[current_detail % TIME_DETAILS];
}

const char *host_proc_text(const char *path)
{
	static const char *const odd[] = {NULL, "", "100", "100 (a) S 1 2"};
	static char text[128];
	const unsigned long start = START_TICKS + (current == HOST_TIME_NAMESPACE ? SHIFT_S * 100 : 0);
	unsigned pid;

	errno = ENOENT;
	if (current == HOST_NO_PROC)
		return NULL;
	if (strcmp(path, "/proc/self/timens_offsets") == 0)
		return offsets();
	pid = (unsigned)strtoul(path + strlen("/proc/"), NULL, 10);
	if (!lives((long)pid) && pid != HOST_ZOMBIE)
		return NULL;
	if (current == HOST_ODD_PROC && odd[current_detail % 4] != NULL)
		return odd[current_detail % 4];
	(void)snprintf(text, sizeof(text), "%u (a b) c) %c 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %lu 0\n", pid,
				   pid == HOST_ZOMBIE ? 'Z' : 'S', start);
	return text;
}

ssize_t fuzz_readlink(const char *path, char *to, size_t size)
{
	const char *target = current == HOST_ODD_PROC ? "7" : "100";

	(void)path;
	if (current == HOST_NO_PROC) {
		errno = ENOENT;
		return -1;
	}
	memcpy(to, target, strlen(target) < size ? strlen(target) : size);
	return (ssize_t)strlen(target);
}

/* Answers for namespaces, which is all that is asked for. */
int fuzz_stat(const char *path, struct stat *status)
{
	const bool of_time = strncmp(path, "/proc/self/ns/time", strlen("/proc/self/ns/time")) == 0;
	const int detail = current == HOST_TIME_NAMESPACE ? current_detail % TIME_DETAILS : SHIFTED;

	if (current == HOST_NO_PROC || (of_time && detail == NO_NAMESPACES)) {
		errno = ENOENT;
		return -1;
	}
	memset(status, 0, sizeof(*status));
	status->st_ino = of_time ? TIME_NAMESPACE : PID_NAMESPACE;
	if (detail == OTHER_FOR_CHILDREN && strcmp(path, "/proc/self/ns/time_for_children") == 0)
		status->st_ino++;
	return 0;
}
