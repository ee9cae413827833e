/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor that a handle keeps. Programs that make themselves daemons close all that they do not know
 * (close_range), and the next file that is opened gets the number: before anything is done with it, it is
 * asked which object it stands for.
 */
#ifndef VSHM_DESCRIPTOR_H
#define VSHM_DESCRIPTOR_H

#include "segment.h"

/* Whether fd still stands for that object. */
bool descriptor_is_ours(int fd, const struct segment_identity *identity);

/* Closes it unless it is somebody else's by now. Async-signal-safe; keeps errno. */
void descriptor_close(int fd, const struct segment_identity *identity);

/* Opens the object anew in place of a descriptor that is lost. -1 with errno: ESTALE (the path leads to
 * another one), ENOENT, EACCES, ... */
int descriptor_regain(const char *path, int flags, const struct segment_identity *identity);

#endif
