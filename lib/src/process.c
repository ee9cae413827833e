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

/* State and start time of a process. False: they can't be read. */
static bool read_stat(uint32_t pid, char *state, uint64_t *start)
{
	char path[32], text[1024];
	ssize_t length;
	int fd;

	/* The dot keeps an emulator from answering for its own process: a forked child's start is its parent's
	 * there, and others would take it for a pid that was given away again. */
	(void)snprintf(path, sizeof(path), "/proc/./%u/stat", (unsigned)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
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
	*start = strtoull(field + 1, NULL, 10);
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
