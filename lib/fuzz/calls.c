/* SPDX-License-Identifier: Apache-2.0 */
/* A /dev/shm in memory: the calls that lead to a name, and what they and others do with a file. */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "descriptors.h"
#include "host.h"
#include "memory.h"

#define DIRECTORY "/dev/shm"
#define OWN_DESCRIPTORS "/proc/self/fd/"
#define DEVICE 7

static int fails(int error)
{
	errno = error;
	return -1;
}

/* ---- names ---- */

int fuzz_access(const char *path, int mode)
{
	(void)mode;
	return strcmp(path, DIRECTORY) == 0 && host_kind() != HOST_NO_SHM ? 0 : fails(ENOENT);
}

static struct memory_file *find(const char *path)
{
	struct memory_file *file = host_kind() != HOST_NO_SHM ? memory_find(path) : NULL;

	if (file == NULL)
		errno = ENOENT;
	return file;
}

int fuzz_open(const char *path, int flags, ...)
{
	struct memory_file *file;
	const char *text = NULL;

	fuzz_turn();
	if (host_refuses(ENOMEM))
		return -1;
	if (strncmp(path, OWN_DESCRIPTORS, strlen(OWN_DESCRIPTORS)) == 0) {
		if (host_kind() == HOST_NO_PROC)
			return fails(ENOENT);
		file = fd_file(atoi(path + strlen(OWN_DESCRIPTORS)));
	} else if (strncmp(path, "/proc/", 6) == 0) {
		text = host_proc_text(path);
		return text != NULL ? fd_make(NULL, text, flags) : -1;
	} else if ((flags & O_TMPFILE) == O_TMPFILE) {
		if (host_kind() == HOST_NO_SHM)
			return fails(ENOENT);
		file = memory_make(S_IFREG | 0600, HOST_USER);
	} else {
		file = find(path);
	}
	if (file == NULL)
		return -1;
	if ((flags & O_PATH) == 0 && (file->mode & 0600) != 0600)
		return fails(EACCES);
	/* A FIFO would wake somebody by it. One that has just come is beyond anybody's care, but must not block.
	 */
	MUST(S_ISREG(file->mode) || (!file->told && (flags & O_NONBLOCK) != 0));
	return fd_make(file, NULL, flags);
}

int fuzz_linkat(int from, const char *path, int to, const char *name, int flags)
{
	struct memory_file *file;

	(void)from;
	(void)to;
	(void)flags;
	MUST(strncmp(path, OWN_DESCRIPTORS, strlen(OWN_DESCRIPTORS)) == 0 && strlen(name) < MEMORY_NAME_MAX);
	file = fd_file(atoi(path + strlen(OWN_DESCRIPTORS)));
	fuzz_turn();
	if (host_refuses(ENOSPC))
		return -1;
	if (host_kind() == HOST_NO_PROC)
		return fails(ENOENT);
	if (memory_find(name) != NULL)
		return fails(EEXIST);
	(void)strcpy(file->name, name);
	return 0;
}

int fuzz_unlink(const char *path)
{
	struct memory_file *file = find(path);

	if (file == NULL || host_refuses(EACCES))
		return -1;
	file->name[0] = '\0';
	memory_forget(file);
	return 0;
}

/* ---- what they are ---- */

static int tell(const struct memory_file *file, struct stat *status)
{
	if (file == NULL)
		return -1;
	memset(status, 0, sizeof(*status));
	status->st_dev = DEVICE;
	status->st_ino = file->inode;
	status->st_size = (off_t)file->size;
	status->st_mode = file->mode;
	status->st_uid = file->owner;
	return 0;
}

int fuzz_lstat(const char *path, struct stat *status)
{
	struct memory_file *file;

	fuzz_turn();
	file = find(path);
	if (file != NULL)
		file->told = true;
	return tell(file, status);
}

/* Never fails for an open descriptor. */
int fuzz_fstat(int fd, struct stat *status)
{
	fuzz_turn();
	switch (fd_owner(fd)) {
	case FD_NOBODYS:
		return fails(EBADF);
	case FD_STRANGERS:
		memset(status, 0, sizeof(*status));
		status->st_mode = S_IFREG;
		return 0;
	default:
		return tell(fd_file(fd), status);
	}
}

int fuzz_fchmod(int fd, mode_t mode)
{
	struct memory_file *file = fd_file(fd);

	if (host_refuses(EACCES))
		return -1;
	file->mode = (file->mode & S_IFMT) | mode;
	return 0;
}

/* Takes the name in /proc of an open descriptor. */
int fuzz_chmod(const char *path, mode_t mode)
{
	MUST(strncmp(path, OWN_DESCRIPTORS, strlen(OWN_DESCRIPTORS)) == 0);
	if (host_kind() == HOST_NO_PROC)
		return fails(ENOENT);
	return fuzz_fchmod(atoi(path + strlen(OWN_DESCRIPTORS)), mode);
}

int fuzz_fchown(int fd, uid_t owner, gid_t group)
{
	(void)fd_file(fd);
	(void)owner;
	(void)group;
	return host_refuses(EACCES) ? -1 : 0;
}

int fuzz_ftruncate(int fd, off_t size)
{
	struct memory_file *file = fd_file(fd);

	if (host_refuses(ENOSPC))
		return -1;
	if ((uint64_t)size > MEMORY_CAPACITY)
		return fails(EFBIG);
	memory_resize(file, (uint64_t)size);
	return 0;
}

int fuzz_posix_fallocate(int fd, off_t begin, off_t size)
{
	(void)fd_file(fd);
	(void)begin;
	(void)size;
	return host_refuses(ENOSPC) ? ENOSPC : 0;
}

/* ---- bytes ---- */

ssize_t fuzz_pread(int fd, void *to, size_t size, off_t offset)
{
	const struct memory_file *file = fd_file(fd);

	fuzz_turn();
	MUST(offset >= 0);
	if ((uint64_t)offset >= file->size)
		return 0;
	if (size > file->size - (uint64_t)offset)
		size = (size_t)(file->size - (uint64_t)offset);
	memcpy(to, file->data + offset, size);
	return (ssize_t)size;
}

ssize_t fuzz_read(int fd, void *to, size_t size)
{
	const struct description *description = fd_find(fd);
	size_t length;

	MUST(description != NULL && description->file == NULL);
	length = strlen(description->text);
	length = length < size ? length : size;
	memcpy(to, description->text, length);
	return (ssize_t)length;
}

void *fuzz_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	MUST(offset == 0 && size != 0);
	if ((flags & MAP_FIXED) != 0) {
		memory_replace(at, size);
		return at;
	}
	if (host_refuses(ENOMEM))
		return MAP_FAILED;
	at = memory_map(fd_file(fd), size, (protection & PROT_WRITE) != 0);
	fd_map(fd, at);
	return at;
}

int fuzz_madvise(void *base, size_t size, int advice)
{
	(void)base;
	(void)size;
	MUST(advice == MADV_DONTFORK || advice == MADV_WIPEONFORK);
	return 0;
}

int fuzz_munmap(void *base, size_t size)
{
	memory_unmap(base, size);
	fd_unmap(base);
	return 0;
}
