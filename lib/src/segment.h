/* SPDX-License-Identifier: Apache-2.0 */
/* The shared memory object: naming, making and carefully reading it, and the writer's lock, its hold. */
#ifndef VSHM_SEGMENT_H
#define VSHM_SEGMENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "geometry.h"
#include "process.h"

#define SEGMENT_NAME_MAX 200 /* bytes of a ring's name, without its slash */
#define SEGMENT_PATH_MAX (SEGMENT_NAME_MAX + 24)

/* The object that a descriptor refers to. */
struct segment_identity {
	dev_t device;
	ino_t inode;
	uint64_t size;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

#define SEGMENT_NONE ((struct segment_identity){.inode = 0}) /* no object has that number */

/* What a name leads to. */
enum segment_name { SEGMENT_NAME_GONE, SEGMENT_NAME_SAME, SEGMENT_NAME_OTHER };

/* A ring's header and extension, copied out of it with pread: nothing is mapped, so nothing can fault. */
struct segment_survey {
	struct geometry geometry;
	struct layout_header header;
	struct layout_extension extension; /* zero on a version 1 ring */
	struct process writer;
};

/* Converts "/NAME" or "NAME" to a path in /dev/shm. Returns 0, or -1 with EINVAL. */
int segment_path(char path[SEGMENT_PATH_MAX], const char *name);

/* Returns 0 or -1. */
int segment_identify(int fd, struct segment_identity *identity);

/* Returns whether both are one object, by device and inode: each /dev/shm numbers its inodes from 1. */
bool segment_same(const struct segment_identity *one, const struct segment_identity *other);

/* Opens a regular file, and does not even touch anything else. Returns a descriptor, or -1 with ENOENT,
 * EACCES, EPROTO, ... */
int segment_open(const char *path, int flags, struct segment_identity *identity);

/* Reads header and extension of the ring open as fd, which has that path. Returns 0, or -1 with EAGAIN (a
 * version 1 writer began it), EPROTO, or the errno of a read that failed. */
int segment_survey(int fd, const char *path, uint64_t object_size, struct segment_survey *survey);

/* Opens the object of fd again, so that the result does not share locks with fd. Returns a descriptor, or -1
 * with ENOSYS (there is no /proc), EMFILE, ... */
int segment_reopen(int fd);

/* Maps the object. Returns NULL with errno on failure. */
void *segment_map(int fd, uint64_t size, bool writable);

/* Returns the id of the group video, or (gid_t)-1 if there is none, or it is too large to be read. */
gid_t segment_video_group(void);

/* Sets the permission bits, whatever the umask, and the group if the process may. Returns 0 or -1. */
int segment_permit(int fd, mode_t mode, gid_t group);

/* Makes an unnamed object of that size, zero, its memory reserved, with those permissions. Returns a
 * descriptor or -1. */
int segment_build(uint64_t size, mode_t mode, gid_t group);

/* Gives an unnamed object its name. Returns 0, or -1 with EEXIST, ... */
int segment_link(int fd, const char *path);

enum segment_name segment_name_leads(const char *path, const struct segment_identity *identity,
									 struct segment_identity *now);

/* Takes the writer's hold for as long as fd is open or pinned. Returns false if somebody has a lock. */
bool segment_hold(int fd);

/* Returns whether segment_pin keeps the locks of fd. */
bool segment_can_pin(int fd);

/* Keeps the locks of fd until segment_unpin even if fd is closed, as a program that becomes a daemon closes
 * all descriptors. A forked child does not keep them. Returns NULL with errno on failure. */
void *segment_pin(int fd);
void segment_unpin(void *pin);

/*
 * Takes the right to take a ring over, which one process has at a time, until segment_unclaim or until fd is
 * closed. It is another kind of lock than the hold, so that neither a reader's lock nor one that a dead
 * writer's child keeps is in the way. Returns false if somebody else has it.
 */
bool segment_claim(int fd);
void segment_unclaim(int fd);

/* Returns whether a writer has the hold, or may have it if that can't be asked; a reader's lock does not
 * count. Works on a read-only descriptor. */
bool segment_is_held(int fd);

#endif
