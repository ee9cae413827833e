/* SPDX-License-Identifier: Apache-2.0 */
#include "named_object.h"

#include "check.h"

void object_path(char path[SEGMENT_PATH_MAX])
{
	CHECK_EQ(segment_path(path, fresh_name()), 0);
}

int object_build(void)
{
	const int fd = segment_build(OBJECT_BYTES, OBJECT_MODE, (gid_t)-1);

	CHECK(fd >= 0);
	return fd;
}

int object_make(char path[SEGMENT_PATH_MAX])
{
	const int fd = object_build();

	object_path(path);
	CHECK_EQ(segment_link(fd, path), 0);
	return fd;
}
