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

/*
 * The begin of a file below /proc as text. Through a descriptor of /proc: an emulator that answers for its
 * own process goes by paths, and tells a forked child its parent's start. False: it can't be read.
 */
static bool read_proc(const char *name, char *text, size_t size)
{
	const int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ssize_t length = -1;
	int fd;

	if (proc < 0)
		return false;
	fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read(fd, text, size - 1);
		(void)close(fd);
	}
	(void)close(proc);
	if (length <= 0)
		return false;
	text[length] = '\0';
	return true;
}

/* Whether the pids in /proc are those that this process knows: in a container it may be another namespace's.
 */
static bool proc_is_ours(void)
{
	char target[32];
	const ssize_t length = readlink("/proc/self", target, sizeof(target) - 1);

	if (length <= 0)
		return false;
	target[length] = '\0';
	return strtol(target, NULL, 10) == (long)getpid();
}

/* By how many clock ticks start times are shifted in this process's eyes: by its time namespace. False: it
 * can't be told. */
static bool own_shift(int64_t *ticks)
{
	struct stat own, of_children;
	char text[256];
	const char *line;
	long long seconds;

	*ticks = 0;
	if (stat("/proc/self/ns/time", &own) != 0)
		return errno == ENOENT && proc_is_ours(); /* a kernel without such namespaces */
	if (stat("/proc/self/ns/time_for_children", &of_children) != 0 || own.st_ino != of_children.st_ino)
		return false; /* what follows is told of the children's */
	if (!read_proc("self/timens_offsets", text, sizeof(text)))
		return false;
	line = strstr(text, "boottime");
	if (line == NULL || sscanf(line, "boottime %lld", &seconds) != 1)
		return false;
	*ticks = (int64_t)seconds * sysconf(_SC_CLK_TCK);
	return true;
}

/* State of a process, and when it started; 0: that can't be compared with what others see. False: they can't
 * be read.
 */
static bool read_stat(uint32_t pid, char *state, uint64_t *start)
{
	char name[32], text[1024];
	int64_t shift;

	(void)snprintf(name, sizeof(name), "%u/stat", (unsigned)pid);
	if (!proc_is_ours() || !read_proc(name, text, sizeof(text)))
		return false;
	/* The name, field 2, may hold blanks and brackets: the last bracket ends it. */
	const char *field = strrchr(text, ')');

	if (field == NULL || field[1] == '\0')
		return false;
	*state = field[2];
	for (int number = 2; number < 22; number++) {
		field = strchr(field + 1, ' ');
		if (field == NULL)
			return false;
	}
	*start = own_shift(&shift) ? strtoull(field + 1, NULL, 10) - (uint64_t)shift : 0;
	return true;
}

void process_self(struct process *process)
{
	char state;

	process->pid = (uint32_t)getpid();
	process->pid_ns = own_pid_ns();
	if (!read_stat(process->pid, &state, &process->start))
		process->start = 0;
}

bool process_gone_at_a_glance(const struct process *process, uint64_t pid_ns)
{
	if (process->pid == 0 || process->pid > INT32_MAX || pid_ns == 0 || pid_ns != process->pid_ns)
		return false;
	return kill((pid_t)process->pid, 0) != 0 && errno == ESRCH;
}

bool process_gone(const struct process *process)
{
	uint64_t start;
	char state;

	if (process_gone_at_a_glance(process, own_pid_ns()))
		return true;
	if (process->pid == 0 || process->pid > INT32_MAX || process->pid_ns != own_pid_ns() ||
		!read_stat(process->pid, &state, &start))
		return false;
	if (state == 'Z' || state == 'X')
		return true;
	return process->start != 0 && start > process->start + START_TOLERANCE_TICKS;
}
