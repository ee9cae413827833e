/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors that handles keep. A program that becomes a daemon closes all descriptors that it does not
 * know (close_range, closefrom), and the next file that is opened gets the number. So each descriptor is
 * checked to refer to the right object before it is used.
 */
#ifndef VSHM_DESCRIPTOR_H
#define VSHM_DESCRIPTOR_H

#include "segment.h"

/* Returns *fd if it still refers to that object; otherwise opens the object by its path, and sets *fd.
 * Returns -1 with *fd -1 and errno ESTALE (the path leads to another object), ENOENT, EACCES, ... */
int descriptor_regain(int *fd, const char *path, int flags, const struct segment_identity *identity);

/* Closes fd if it still refers to that object. Async-signal-safe; keeps errno. */
void descriptor_close(int fd, const struct segment_identity *identity);

#endif
