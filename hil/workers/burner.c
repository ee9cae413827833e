/* SPDX-License-Identifier: Apache-2.0 */
/*
 * burner STARTER cpu|memory|disk FOLDER|run COMMAND...
 *
 * Keeps the cpu, the memory, or the disk of a FOLDER busy until it is killed, or until its parent, the
 * process STARTER, has ended. run executes a command, which ends with the starter in the same way.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)64 << 10)  /* per call, during which the kernel may keep the processor */
#define MEMORY_BYTES ((size_t)64 << 20) /* larger than any cache */
#define FILE_BYTES ((off_t)256 << 20)

static void burn_cpu(void)
{
	for (volatile uint32_t number = 1;; number = number * 1664525u + 1013904223u)
		;
}

static int burn_memory(void)
{
	uint8_t *from = malloc(MEMORY_BYTES);
	uint8_t *to = malloc(MEMORY_BYTES);

	if (!from || !to)
		return -1;
	memset(from, 1, MEMORY_BYTES);
	for (;; from[0]++) {
		memcpy(to, from, MEMORY_BYTES);
		__asm__ volatile("" : : "r"(to) : "memory"); /* keeps the compiler from removing the copy */
	}
}

/* Returns a file without a name, so that it disappears by itself. An overlay supports none before Linux 6.3,
 * and a sandbox may forbid them; any other error is reported by creating a file with a name. */
static int nameless_file(const char *folder)
{
	char path[PATH_MAX];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof(path), "%s/burner-XXXXXX", folder) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

/* Writes into the page cache, and from there to the disk. */
static int burn_disk(const char *folder)
{
	uint8_t *block = malloc(BLOCK_BYTES);
	const int fd = nameless_file(folder);

	if (!block || fd < 0)
		return -1;
	memset(block, 1, BLOCK_BYTES);
	for (;;) {
		for (off_t at = 0; at < FILE_BYTES; at += (off_t)BLOCK_BYTES) {
			block[0]++;
			if (pwrite(fd, block, BLOCK_BYTES, at) < 0 && errno != EINTR)
				return -1;
		}
		if (fdatasync(fd))
			return -1;
	}
}

int main(int argc, char **argv)
{
	/* If the starter ended before this program started, the parent is another process by now. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || argc < 2 || getppid() != (pid_t)strtol(argv[1], NULL, 10))
		return 1;
	if (argc == 3 && !strcmp(argv[2], "cpu"))
		burn_cpu();
	else if (argc == 3 && !strcmp(argv[2], "memory"))
		burn_memory();
	else if (argc == 4 && !strcmp(argv[2], "disk"))
		burn_disk(argv[3]);
	else if (argc > 3 && !strcmp(argv[2], "run"))
		execvp(argv[3], argv + 3);
	else
		errno = EINVAL;
	perror(argc > 2 ? argv[2] : argv[0]);
	return 1;
}
