/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No pid comes round this fast, and emulators round start times. */
#define START_TOLERANCE_TICKS 200

static uint64_t own_pid_ns(void)
{
	struct stat status;

	return stat("/proc/self/ns/pid", &status) == 0 ? (uint64_t)status.st_ino : 0;
}

/* Reads the start of a file in /proc as text. Returns false if it can't be read. */
static bool read_text(const char *path, char *text, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, text, size - 1);
	(void)close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	return true;
}

/* Reads from /proc whether a process has ended, and when it started. Returns false if that can't be read. */
static bool read_stat(uint32_t pid, bool *ended, uint64_t *start)
{
	char path[48], text[1024];
	bool zombie;

	/* The first thread's file says the same; emulators answer for /proc/PID/stat themselves, and give a
	 * forked child its parent's start, so that others would take its pid for a reused one. */
	(void)snprintf(path, sizeof(path), "/proc/%u/task/%u/stat", (unsigned)pid, (unsigned)pid);
	if (!read_text(path, text, sizeof(text)))
		return false;
	/* The name, field 2, may contain spaces and brackets; the last bracket ends it. */
	const char *field = strrchr(text, ')');

	if (field == NULL || field[1] == '\0')
		return false;
	zombie = field[2] == 'Z' || field[2] == 'X';
	for (int number = 3; number <= 22; number++) {
		field = strchr(field + 1, ' ');
		if (field == NULL)
			return false;
		if (number == 20) /* number of threads: after pthread_exit() in main() the others live on */
			*ended = zombie && strtol(field + 1, NULL, 10) <= 1;
	}
	*start = strtoull(field + 1, NULL, 10);
	return true;
}

/* Returns whether /proc shows this process's pid namespace, which a container's /proc may not. */
static bool proc_is_ours(void)
{
	char target[32];
	const ssize_t length = readlink("/proc/self", target, sizeof(target) - 1);

	if (length <= 0)
		return false;
	target[length] = '\0';
	return strtol(target, NULL, 10) == (long)getpid();
}

/* Reads what this process's time namespace adds to a clock, named as in /proc. Returns false if unknown. */
static bool clock_shift(const char *clock, long long *seconds, long long *ns)
{
	struct stat own, of_children;
	char text[256];
	const char *line;

	*seconds = *ns = 0;
	if (stat("/proc/self/ns/time", &own) != 0)
		return errno == ENOENT; /* a kernel without time namespaces */
	if (stat("/proc/self/ns/time_for_children", &of_children) != 0 || own.st_ino != of_children.st_ino)
		return false; /* the file has only the children's offsets */
	if (!read_text("/proc/self/timens_offsets", text, sizeof(text)))
		return false;
	line = strstr(text, clock);
	return line != NULL && sscanf(line + strlen(clock), "%lld %lld", seconds, ns) == 2;
}

/* Reads what it adds to start times, in clock ticks. Returns false if unknown. */
static bool own_shift(int64_t *ticks)
{
	long long seconds, ns;
	const bool known = clock_shift("boottime", &seconds, &ns);

	*ticks = (int64_t)seconds * sysconf(_SC_CLK_TCK);
	return known;
}

uint64_t process_clock_shift_ns(void)
{
	long long seconds, ns;

	return clock_shift("monotonic", &seconds, &ns) ? (uint64_t)(seconds * 1000000000 + ns) : 0;
}

void process_self(struct process *process)
{
	int64_t shift;
	bool ended;

	process->pid = (uint32_t)getpid();
	process->pid_ns = own_pid_ns();
	if (proc_is_ours() && read_stat(process->pid, &ended, &process->start) && own_shift(&shift))
		process->start -= (uint64_t)shift;
	else
		process->start = 0;
}

bool process_gone_at_a_glance(const struct process *process, uint64_t pid_ns)
{
	if (process->pid == 0 || process->pid > INT32_MAX || pid_ns == 0 || pid_ns != process->pid_ns)
		return false;
	return kill((pid_t)process->pid, 0) != 0 && errno == ESRCH;
}

static bool began_later(const struct process *process, uint64_t start)
{
	return process->start != 0 && start > process->start + START_TOLERANCE_TICKS;
}

bool process_gone(const struct process *process)
{
	const uint64_t pid_ns = own_pid_ns();
	uint64_t start;
	int64_t shift;
	bool ended;

	if (process_gone_at_a_glance(process, pid_ns))
		return true;
	if (process->pid == 0 || process->pid > INT32_MAX || process->pid_ns != pid_ns ||
		!read_stat(process->pid, &ended, &start))
		return false;
	/* The cheap check comes first; whether /proc can be trusted is checked only if it matters. */
	if (ended)
		return proc_is_ours();
	return began_later(process, start) && proc_is_ours() && own_shift(&shift) &&
		   began_later(process, start - (uint64_t)shift);
}
