/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor that a handle keeps. Programs that make themselves daemons close all that they do not know
 * (close_range, closefrom), and the next file that is opened gets the number: before anything is done with
 * it, it is asked which object it stands for.
 */
#ifndef VSHM_DESCRIPTOR_H
#define VSHM_DESCRIPTOR_H

#include "segment.h"

/* What *fd still is if it stands for that object; else the object opened anew by its path, as *fd from now
 * on. -1 with errno, and *fd is none: ESTALE (the path leads to another object), ENOENT, EACCES, ... */
int descriptor_regain(int *fd, const char *path, int flags, const struct segment_identity *identity);

/* Closes it unless it is somebody else's by now. Async-signal-safe; keeps errno. */
void descriptor_close(int fd, const struct segment_identity *identity);

#endif
