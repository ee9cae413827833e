/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptor.h"

#include <errno.h>
#include <unistd.h>

static bool stands_for(int fd, const struct segment_identity *identity)
{
	struct segment_identity now;

	return fd >= 0 && segment_identify(fd, &now) == 0 && segment_same(&now, identity);
}

int descriptor_regain(int *fd, const char *path, int flags, const struct segment_identity *identity)
{
	struct segment_identity now;
	int found;

	if (stands_for(*fd, identity))
		return *fd;
	*fd = -1;
	found = segment_open(path, flags, &now);
	if (found >= 0 && !segment_same(&now, identity)) {
		(void)close(found);
		errno = ESTALE;
	} else {
		*fd = found;
	}
	return *fd;
}

void descriptor_close(int fd, const struct segment_identity *identity)
{
	const int error = errno;

	if (stands_for(fd, identity))
		(void)close(fd);
	errno = error;
}
