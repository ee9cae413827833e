/* SPDX-License-Identifier: Apache-2.0 */
/* What a version 1 writer has under its ring's name before the ring is whole, or leaves there if it dies.
 * Rings of ours never look like this: they get their name when they are whole. */
#ifndef VSHM_BEGINNING_H
#define VSHM_BEGINNING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Returns whether the object open as fd, of object_size bytes, can be such a beginning: a name that version 1
 * uses, and no other one; empty, or of version 1's size and zero but for magic and version, or whole by now.
 * False with EPROTO, or with the errno of a read that failed: it may be one.
 */
bool beginning_is(int fd, const char *path, uint64_t object_size);

/* Returns whether anybody else has the object of fd open or mapped; false if that can't be told. */
bool beginning_is_used(int fd);

#endif
