/* SPDX-License-Identifier: Apache-2.0 */
/* Semaphores: files whose first word is the number of tokens. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "calls.h"
#include "host.h"
#include "memory.h"

static void path_of(const char *name, char path[MEMORY_NAME_MAX])
{
	(void)snprintf(path, MEMORY_NAME_MAX, "/dev/shm/sem.%s", name + 1);
}

sem_t *fuzz_sem_open(const char *name, int flags, ...)
{
	char path[MEMORY_NAME_MAX];
	struct memory_file *file;
	uint32_t tokens;
	va_list rest;

	path_of(name, path);
	file = memory_find(path);
	if (host_refuses(ENOMEM))
		return SEM_FAILED;
	if (file == NULL && (flags & O_CREAT) == 0) {
		errno = ENOENT;
		return SEM_FAILED;
	}
	if (file != NULL && (flags & O_EXCL) != 0) {
		errno = EEXIST;
		return SEM_FAILED;
	}
	if (file == NULL) {
		va_start(rest, flags);
		file = memory_make(S_IFREG | (va_arg(rest, mode_t) & ~host_umask()), HOST_USER);
		tokens = va_arg(rest, unsigned);
		va_end(rest);
		memory_resize(file, sizeof(sem_t));
		memcpy(file->data, &tokens, sizeof(tokens));
		(void)strcpy(file->name, path);
	}
	file->opens++;
	return (sem_t *)(void *)file->data;
}

int fuzz_sem_unlink(const char *name)
{
	char path[MEMORY_NAME_MAX];

	path_of(name, path);
	return fuzz_unlink(path);
}

int fuzz_sem_close(sem_t *semaphore)
{
	struct memory_file *file = memory_of((const uint8_t *)semaphore);

	MUST(file->opens > 0);
	file->opens--;
	memory_forget(file);
	return 0;
}

static uint32_t *tokens_of(sem_t *semaphore)
{
	MUST(memory_of((const uint8_t *)semaphore)->opens > 0);
	return (uint32_t *)(void *)semaphore;
}

int fuzz_sem_getvalue(sem_t *semaphore, int *value)
{
	*value = (int)(*tokens_of(semaphore) & INT_MAX);
	return 0;
}

int fuzz_sem_post(sem_t *semaphore)
{
	if (*tokens_of(semaphore) == INT_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	++*tokens_of(semaphore);
	return 0;
}

int fuzz_sem_trywait(sem_t *semaphore)
{
	if (*tokens_of(semaphore) == 0) {
		errno = EAGAIN;
		return -1;
	}
	--*tokens_of(semaphore);
	return 0;
}
