/* SPDX-License-Identifier: Apache-2.0 */
#include "object_bytes.h"

#include <fcntl.h>
#include <unistd.h>

#include "check.h"

void poke(const char *name, uint64_t offset, const void *bytes, size_t size)
{
	const int fd = open(shm_path(name), O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
	(void)close(fd);
}

void poke32(const char *name, uint64_t offset, uint32_t value)
{
	poke(name, offset, &value, sizeof(value));
}

void poke64(const char *name, uint64_t offset, uint64_t value)
{
	poke(name, offset, &value, sizeof(value));
}

uint32_t peek32(const char *name, uint64_t offset)
{
	const int fd = open(shm_path(name), O_RDONLY | O_CLOEXEC);
	uint32_t value = 0;

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &value, sizeof(value), (off_t)offset), (ssize_t)sizeof(value));
	(void)close(fd);
	return value;
}

void make_object(const char *name, uint64_t size)
{
	const int fd = open(shm_path(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	(void)close(fd);
}
