/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in /dev/shm for the tests of segment.c. */
#ifndef VSHM_NAMED_OBJECT_H
#define VSHM_NAMED_OBJECT_H

#include "segment.h"

#define OBJECT_BYTES 8192u
#define OBJECT_MODE 0660

/* Sets path to one that nobody uses. */
void object_path(char path[SEGMENT_PATH_MAX]);

/* Makes an object without a name. Returns a descriptor for reading and writing. */
int object_build(void);
/* Makes an object with a fresh name. Returns such a descriptor. */
int object_make(char path[SEGMENT_PATH_MAX]);

#endif
