/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptor.h"

#include <errno.h>
#include <unistd.h>

static bool is_same(const struct segment_identity *one, const struct segment_identity *other)
{
	return one->device == other->device && one->inode == other->inode;
}

bool descriptor_is_ours(int fd, const struct segment_identity *identity)
{
	struct segment_identity now;

	return fd >= 0 && segment_identify(fd, &now) == 0 && is_same(&now, identity);
}

void descriptor_close(int fd, const struct segment_identity *identity)
{
	const int error = errno;

	if (descriptor_is_ours(fd, identity))
		(void)close(fd);
	errno = error;
}

int descriptor_regain(const char *path, int flags, const struct segment_identity *identity)
{
	struct segment_identity now;
	const int fd = segment_open(path, flags, &now);

	if (fd < 0 || is_same(&now, identity))
		return fd;
	(void)close(fd);
	errno = ESTALE;
	return -1;
}
