/* SPDX-License-Identifier: Apache-2.0 */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "beginning.h"
#include "log.h"
#include "mask.h"

#define DIRECTORY "/dev/shm"
/* A group of 300,000 members takes 6 MB. */
#define GROUP_BYTES_MAX (16u << 20)
#define PIN_BYTES 1        /* which the kernel rounds up to a page */
#define OVERLAY 0x794c7630 /* OVERLAYFS_SUPER_MAGIC in linux/magic.h */

int segment_path(char path[SEGMENT_PATH_MAX], const char *name)
{
	if (name != NULL && name[0] == '/')
		name++;
	if (name == NULL || name[0] == '\0' || strlen(name) > SEGMENT_NAME_MAX || strchr(name, '/') != NULL ||
		strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		errno = EINVAL;
		return -1;
	}
	(void)snprintf(path, SEGMENT_PATH_MAX, DIRECTORY "/%s", name);
	return 0;
}

static void identify(const struct stat *status, struct segment_identity *identity)
{
	*identity = (struct segment_identity){
		.device = status->st_dev,
		.inode = status->st_ino,
		.size = (uint64_t)status->st_size,
		.mode = status->st_mode & 07777,
		.uid = status->st_uid,
		.gid = status->st_gid,
	};
}

bool segment_same(const struct segment_identity *one, const struct segment_identity *other)
{
	return one->device == other->device && one->inode == other->inode;
}

int segment_identify(int fd, struct segment_identity *identity)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return -1;
	identify(&status, identity);
	return 0;
}

/*
 * Returns fd, or a copy of it if fd is 0, 1 or 2, and closes fd then: a program that was started without
 * standard streams would write its messages into the ring. Returns -1 if fd is -1, or with errno.
 */
static int keep(int fd)
{
	int error, own = fd;

	if (fd >= 0 && fd <= STDERR_FILENO) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		error = errno;
		(void)close(fd);
		errno = error;
	}
	return own;
}

int segment_open(const char *path, int flags, struct segment_identity *identity)
{
	struct stat status;
	int fd;

	/* Asked first: opening a FIFO wakes whoever waits for its other end, and a device may do anything. */
	if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		errno = EPROTO;
		return -1;
	}
	/* O_NONBLOCK: should it have become one meanwhile, it must not hold us up. */
	fd = keep(open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
	if (fd < 0) {
		if (errno == ELOOP || errno == EISDIR || errno == ENXIO || errno == ENODEV)
			errno = EPROTO;
		else if (errno == ENOENT && access(DIRECTORY, F_OK) != 0)
			errno = ENOSYS; /* there is no /dev/shm */
		return -1;
	}
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		identify(&status, identity);
		return fd;
	}
	(void)close(fd);
	errno = EPROTO;
	return -1;
}

/* Returns false with EPROTO if it ends before, or with the errno of a read that failed, which tells nothing
 * of what is there. */
static bool read_all(int fd, void *to, size_t size, uint64_t offset)
{
	const ssize_t count = pread(fd, to, size, (off_t)offset);

	if (count >= 0 && count != (ssize_t)size)
		errno = EPROTO;
	return count == (ssize_t)size;
}

static int survey_object(int fd, uint64_t object_size, struct segment_survey *survey)
{
	uint64_t extension_offset;

	memset(survey, 0, sizeof(*survey));
	if (object_size == 0) { /* a version 1 writer has made it, and not set its size yet */
		errno = EAGAIN;
		return -1;
	}
	if (!read_all(fd, &survey->header, sizeof(survey->header), 0))
		return -1;
	if (geometry_extension_offset(&survey->header, object_size, &extension_offset) != 0)
		return -1;
	if (extension_offset != 0 &&
		!read_all(fd, &survey->extension, sizeof(survey->extension), extension_offset))
		return -1;
	survey->writer.pid = atomic_load_explicit(&survey->extension.writer_pid, memory_order_relaxed);
	survey->writer.start = atomic_load_explicit(&survey->extension.writer_start, memory_order_relaxed);
	survey->writer.pid_ns = atomic_load_explicit(&survey->extension.writer_pid_ns, memory_order_relaxed);
	return geometry_read(&survey->geometry, &survey->header, &survey->extension, object_size);
}

int segment_survey(int fd, const char *path, uint64_t object_size, struct segment_survey *survey)
{
	const int result = survey_object(fd, object_size, survey);

	if (result != 0 && errno == EAGAIN && beginning_is(fd, path, object_size))
		errno = EAGAIN;
	return result;
}

int segment_reopen(int fd)
{
	const int access = fcntl(fd, F_GETFL) & O_ACCMODE;
	char path[32];
	int own;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = keep(open(path, access | O_CLOEXEC));
	if (own < 0 && errno == ENOENT)
		errno = ENOSYS; /* /proc is not mounted; ENOENT would mean that there is no ring */
	return own;
}

/* Returns NULL with errno if it can't be mapped. */
static void *map(int fd, size_t size, int protection, int flags)
{
	void *base = mmap(NULL, size, protection, MAP_SHARED | flags, fd, 0);

	if (base != MAP_FAILED)
		return base;
	if (errno == EAGAIN) /* the program's mlockall() forbids more; here it would mean a ring being made */
		errno = ENOMEM;
	return NULL;
}

void *segment_map(int fd, uint64_t size, bool writable)
{
	const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;

	if (size > SIZE_MAX) {
		errno = EPROTO;
		return NULL;
	}
	/* Populated, so that no frame causes a page fault. */
	return map(fd, (size_t)size, protection, MAP_POPULATE);
}

gid_t segment_video_group(void)
{
	struct group entry, *video = NULL;
	gid_t group = (gid_t)-1;
	int error = 0;

	/* A group with many members, as in a directory service, needs a larger buffer. */
	for (size_t size = 4096; size <= GROUP_BYTES_MAX; size *= 4) {
		char *text = malloc(size);

		error = text != NULL ? getgrnam_r("video", &entry, text, size, &video) : ENOMEM;

		if (error == 0 && video != NULL)
			group = video->gr_gid;
		free(text);
		if (error != ERANGE)
			break;
	}
	if (error == ERANGE || error == ENOMEM)
		log_line(VIDEO_SHM_LOG_WARNING,
				 "the group video can't be read (%s); rings stay in this process's own", strerror(error));
	return group;
}

int segment_permit(int fd, mode_t mode, gid_t group)
{
	if (group != (gid_t)-1)
		(void)!fchown(fd, (uid_t)-1, group); /* without the right to, the ring stays in our own group */
	return fchmod(fd, mode);
}

/* Returns whether size is above ulimit -f, where ftruncate() would end the process with SIGXFSZ. */
static bool is_beyond_limit(uint64_t size)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur;
}

/* Reserves all memory now: a full /dev/shm is an error here, instead of a SIGBUS later. Returns 0 or an
 * error. Older kernels give up at any signal and begin anew: a fast timer would keep them from ever ending.
 */
static int reserve(int fd, uint64_t size)
{
	sigset_t before;
	int error;

	mask_begin(&before);
	while ((error = posix_fallocate(fd, 0, (off_t)size)) == EINTR) {
	}
	(void)mask_end(&before);
	return error;
}

int segment_build(uint64_t size, mode_t mode, gid_t group)
{
	const int fd = keep(open(DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	int error;

	if (fd < 0) {
		if (errno == EISDIR) /* a kernel or an emulator that does not know the flag opens the folder */
			errno = EOPNOTSUPP;
		return -1;
	}
	if (is_beyond_limit(size)) {
		errno = EFBIG;
	} else if (ftruncate(fd, (off_t)size) == 0) {
		errno = error = reserve(fd, size);
		if (error == 0 && segment_permit(fd, mode, group) == 0)
			return fd;
	}
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

int segment_link(int fd, const char *path)
{
	char own[32];

	(void)snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

enum segment_name segment_name_leads(const char *path, const struct segment_identity *identity,
									 struct segment_identity *now)
{
	struct stat status;

	if (lstat(path, &status) != 0) {
		*now = *identity; /* if it can't be examined, as in a new root, assume that it has not changed */
		return errno == ENOENT && access(DIRECTORY, F_OK) == 0 ? SEGMENT_NAME_GONE : SEGMENT_NAME_SAME;
	}
	identify(&status, now);
	return segment_same(now, identity) ? SEGMENT_NAME_SAME : SEGMENT_NAME_OTHER;
}

/* An open file description lock, which is released when nothing refers to the open file any more. */
bool segment_hold(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* A mapping of an overlay's file refers to the file beneath it, on which nobody has a lock. */
bool segment_can_pin(int fd)
{
	struct statfs status;

	return fstatfs(fd, &status) != 0 || status.f_type != OVERLAY;
}

/* A mapping refers to the open file too, and is not found by a program that closes all descriptors. */
void *segment_pin(int fd)
{
	void *pin = map(fd, PIN_BYTES, PROT_NONE, 0);

	if (pin == NULL)
		return NULL;
	/* Without this advice, as in emulators, a child keeps the lock; then the writer's pid tells. */
	(void)madvise(pin, PIN_BYTES, MADV_DONTFORK);
	return pin;
}

void segment_unpin(void *pin)
{
	if (pin != NULL)
		(void)munmap(pin, PIN_BYTES);
}

bool segment_claim(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

void segment_unclaim(int fd)
{
	(void)flock(fd, LOCK_UN);
}

bool segment_is_held(int fd)
{
	/* Only a writer's lock is in the way of a read lock. If the question is not allowed, as in sandboxes that
	 * do not know these locks, assume that the writer lives. */
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}
