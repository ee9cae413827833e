/* SPDX-License-Identifier: Apache-2.0 */
#include "beginning.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "layout.h"
#include "options.h"

#define PIECE 16384u

struct signature {
	uint32_t magic, version; /* stored last, in this order */
};

/* Returns false with EPROTO, or with the errno of a read that failed. */
static bool is_zero(int fd, uint64_t begin, uint64_t end)
{
	uint8_t bytes[PIECE];

	for (uint64_t at = begin; at < end; at += PIECE) {
		const size_t size = end - at < PIECE ? (size_t)(end - at) : PIECE;
		const ssize_t count = pread(fd, bytes, size, (off_t)at);

		if (count == (ssize_t)size && bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0)
			continue;
		if (count >= 0)
			errno = EPROTO;
		return false;
	}
	return true;
}

static bool is_signed(int fd)
{
	struct signature now;

	return pread(fd, &now, sizeof(now), 0) == (ssize_t)sizeof(now) && now.magic == VIDEO_SHM_MAGIC &&
		   now.version == VIDEO_SHM_VERSION;
}

bool beginning_is(int fd, const char *path, uint64_t object_size)
{
	struct stat status;
	int error;

	if (options_channel_suffix(strrchr(path, '/') + 1) == NULL || fstat(fd, &status) != 0 ||
		status.st_nlink > 1 || (object_size != 0 && object_size != LAYOUT_V1_SIZE)) {
		errno = EPROTO;
		return false;
	}
	if (is_zero(fd, sizeof(struct signature), object_size))
		return true;
	error = errno;
	/* Its writer may have signed it and written its first frame while we looked. */
	if (is_signed(fd))
		return true;
	errno = error;
	return false;
}

/* Before Linux 5.3 an object that has a name in a tmpfs always counted as open. */
static bool kernel_tells(void)
{
	unsigned major, minor;
	struct utsname system;

	return uname(&system) == 0 && sscanf(system.release, "%u.%u", &major, &minor) == 2 &&
		   (major > 5 || (major == 5 && minor >= 3));
}

bool beginning_is_used(int fd)
{
	/* Whoever opens it between the two leases has us sent a signal: SIGIO would end the program, this is
	 * ignored. */
	if (!kernel_tells() || fcntl(fd, F_SETSIG, SIGURG) != 0)
		return false;
	if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0)
		return errno == EAGAIN;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}
