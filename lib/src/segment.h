/* SPDX-License-Identifier: Apache-2.0 */
/* The object in /dev/shm: its name, its making, a careful look into it, and the writer's hold on it. */
#ifndef VSHM_SEGMENT_H
#define VSHM_SEGMENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "geometry.h"
#include "process.h"

#define SEGMENT_NAME_MAX 200 /* bytes of a ring's name, without its slash */
#define SEGMENT_PATH_MAX (SEGMENT_NAME_MAX + 24)

/* Which object an open descriptor stands for. */
struct segment_identity {
	dev_t device;
	ino_t inode;
	uint64_t size;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

#define SEGMENT_NONE ((struct segment_identity){.inode = 0}) /* no object has that number */

/* What a name leads to now. */
enum segment_name { SEGMENT_NAME_GONE, SEGMENT_NAME_SAME, SEGMENT_NAME_OTHER };

/* A ring's header and extension, copied out of it with pread: nothing is mapped, so nothing can fault. */
struct segment_survey {
	struct geometry geometry;
	struct layout_header header;
	struct layout_extension extension; /* zero on a version 1 ring */
	struct process writer;
};

/* "/NAME" or "NAME" to a path in /dev/shm. 0, or -1 with EINVAL. */
int segment_path(char path[SEGMENT_PATH_MAX], const char *name);

/* 0 or -1. */
int segment_identify(int fd, struct segment_identity *identity);

/* Whether both stand for one object: each /dev/shm numbers its own from 1. */
bool segment_same(const struct segment_identity *one, const struct segment_identity *other);

/* Opens what is there, and nothing but a regular file; nothing else is even touched. A descriptor, or -1:
 * ENOENT, EACCES, EPROTO, ... */
int segment_open(const char *path, int flags, struct segment_identity *identity);

/* 0, or -1: EAGAIN (being made), EPROTO. */
int segment_survey(int fd, uint64_t object_size, struct segment_survey *survey);

/* Opens the object of fd once more: a lock on the result is not shared with fd. A descriptor, or -1: ENOSYS
 * (there is no /proc), EMFILE, ... */
int segment_reopen(int fd);

/* NULL with errno. */
void *segment_map(int fd, uint64_t size, bool writable);

/* Group video's number; (gid_t)-1: the machine has none. */
gid_t segment_video_group(void);

/* Permission bits whatever the umask, and that group if the process may give it. 0 or -1. */
int segment_permit(int fd, mode_t mode, gid_t group);

/* A new unnamed object of that size, all zero, its memory reserved, with those permissions. A descriptor or
 * -1. */
int segment_build(uint64_t size, mode_t mode, gid_t group);

/* Gives an unnamed object its name. 0, or -1 with EEXIST, ... */
int segment_link(int fd, const char *path);

enum segment_name segment_name_leads(const char *path, const struct segment_identity *identity,
									 struct segment_identity *now);

/* Takes the writer's hold, for as long as fd stays open or pinned. False: somebody holds a lock. */
bool segment_hold(int fd);

/* Keeps fd's locks until segment_unpin, whoever closes fd: a program that makes itself a daemon closes all
 * that it does not know. A forked child does not keep them. NULL with errno. */
void *segment_pin(int fd);
void segment_unpin(void *pin);

/*
 * The right to take a ring over: one has it at a time, until segment_unclaim or until fd is closed. Not the
 * hold's kind of lock, so that a reader's lock, or one that a dead writer's child keeps, is not in the way.
 * False: somebody else has it.
 */
bool segment_claim(int fd);
void segment_unclaim(int fd);

/* Whether a writer has the hold, or may have it where that can't be asked; a reader's lock does not count.
 * Works on a read-only descriptor. */
bool segment_is_held(int fd);

#endif
