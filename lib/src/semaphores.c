/* SPDX-License-Identifier: Apache-2.0 */
#include "semaphores.h"
#include "hot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "options.h"
#include "segment.h"
#include "video_shm.h"

#define THIRD_WORD_MAX 0xffffu
#define DEAD_AFTER_NS 1000000000u /* version 1 holds the write semaphore for one copy */

#ifdef __GLIBC__
#define FILE_PREFIX "/dev/shm/sem."
#else
#define FILE_PREFIX "/dev/shm/"
#endif

static void path_of(char path[sizeof(FILE_PREFIX) + SEMAPHORES_NAME_MAX], const char *name)
{
	(void)snprintf(path, sizeof(FILE_PREFIX) + SEMAPHORES_NAME_MAX, FILE_PREFIX "%s", name + 1);
}

/*
 * Returns whether what has the name can't be a semaphore of a C library, and so is somebody else's. glibc's
 * and musl's have the size that processors of 32 or of 64 bits give them, and a number of waiters or a flag
 * as third word; musl writes whatever is on its stack behind that.
 */
static bool is_foreign(const char *name)
{
	char path[sizeof(FILE_PREFIX) + SEMAPHORES_NAME_MAX];
	uint32_t words[3];
	struct segment_identity identity;
	bool foreign;
	int fd;

	path_of(path, name);
	fd = segment_open(path, O_RDONLY, &identity);
	if (fd < 0)
		return errno == EPROTO; /* no file; else nothing is there, or a mode keeps us from looking */
	foreign = (identity.size != 16 && identity.size != 32) ||
			  pread(fd, words, sizeof(words), 0) != (ssize_t)sizeof(words) || words[2] > THIRD_WORD_MAX;
	(void)close(fd);
	return foreign;
}

/* A umask may keep even its maker from opening a new semaphore: repair its mode without opening it. */
static void unmask(const char *name, mode_t mode)
{
	char path[sizeof(FILE_PREFIX) + SEMAPHORES_NAME_MAX], own[32];
	struct stat status;
	int fd;

	path_of(path, name);
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
		(status.st_mode & 0600) != 0600)
		(void)chmod(own, mode);
	(void)close(fd);
}

/*
 * Returns whether an existing semaphore can be used: it must be ours or root's, and not truncated, or it
 * would fault. With mode, also sets the permissions, which the umask has reduced.
 */
static bool fit(const char *name, const mode_t *mode, gid_t group)
{
	char path[sizeof(FILE_PREFIX) + SEMAPHORES_NAME_MAX];
	struct segment_identity identity;
	bool good;
	int fd;

	path_of(path, name);
	fd = segment_open(path, O_RDWR, &identity);
	if (fd < 0)
		return false;
	good = identity.size >= sizeof(sem_t) && (identity.uid == geteuid() || identity.uid == 0);
	if (good && mode != NULL)
		(void)segment_permit(fd, *mode, group);
	(void)close(fd);
	return good;
}

/* Opens the existing semaphore if it can be used, and reads its number of tokens. */
static sem_t *open_former(const char *name, gid_t group, int *tokens)
{
	sem_t *semaphore = fit(name, NULL, group) ? sem_open(name, 0) : SEM_FAILED;

	if (semaphore != SEM_FAILED)
		(void)sem_getvalue(semaphore, tokens);
	return semaphore;
}

/*
 * Opens or makes one of the pair with at most value tokens. fresh: replace an existing one if its name can be
 * removed. Returns NULL if it can't be opened.
 */
static sem_t *open_one(const char *name, mode_t mode, gid_t group, unsigned value, bool fresh,
					   bool *was_empty)
{
	sem_t *semaphore = SEM_FAILED;
	int tokens = 0;

	*was_empty = false;
	for (int attempt = 0; attempt < 3 && semaphore == SEM_FAILED; attempt++) {
		if (is_foreign(name)) {
			log_line(VIDEO_SHM_LOG_WARNING, "%s: what has this name is no semaphore, and is left alone",
					 name);
			errno = EEXIST;
			return NULL;
		}
		semaphore = open_former(name, group, &tokens);
		if (semaphore != SEM_FAILED) {
			*was_empty = tokens == 0;
			/* More tokens are nonsense, and can't be removed one by one. */
			if (tokens <= USHER_READERS_MAX && (!fresh || sem_unlink(name) != 0))
				break;
			(void)sem_close(semaphore);
		}
		(void)sem_unlink(name);
		semaphore = sem_open(name, O_CREAT | O_EXCL, mode, value);
		tokens = (int)value;
	}
	if (semaphore == SEM_FAILED)
		return NULL;
	unmask(name, mode);
	(void)fit(name, &mode, group);
	for (; tokens > (int)value && sem_trywait(semaphore) == 0; tokens--) {
	}
	return semaphore;
}

static bool name_pair(struct semaphores *semaphores, const char *ring_name)
{
	const char *suffix = options_channel_suffix(ring_name);

	if (suffix == NULL || strlen(suffix) > SEMAPHORES_NAME_MAX - sizeof(VIDEO_SHM_SEM_WRITE))
		return false;
	(void)snprintf(semaphores->write_name, SEMAPHORES_NAME_MAX, VIDEO_SHM_SEM_WRITE "%.20s", suffix);
	(void)snprintf(semaphores->read_name, SEMAPHORES_NAME_MAX, VIDEO_SHM_SEM_READ "%.20s", suffix);
	return true;
}

void semaphores_open(struct semaphores *semaphores, const char *ring_name, mode_t mode, gid_t group,
					 bool fresh)
{
	bool taken, no_tokens;

	memset(semaphores, 0, sizeof(*semaphores));
	if (!name_pair(semaphores, ring_name))
		return;
	semaphores->write = open_one(semaphores->write_name, mode, group, 1, fresh, &taken);
	semaphores->read = open_one(semaphores->read_name, mode, group, 0, fresh, &no_tokens);
	if (semaphores->write == NULL || semaphores->read == NULL) {
		log_line(VIDEO_SHM_LOG_WARNING, "%s, %s: can't be had (%s); version 1 readers are not served",
				 semaphores->write_name, semaphores->read_name, strerror(errno));
		semaphores_close(semaphores, true); /* so that the one that could be opened is not left behind */
		return;
	}
	if (taken) { /* we are the only writer, so its holder is dead */
		semaphores_release(semaphores);
		semaphores->rearmed++;
		log_line(VIDEO_SHM_LOG_WARNING, "%s: its holder died; re-armed", semaphores->write_name);
	}
}

COLD bool semaphores_take_over(struct semaphores *semaphores, uint64_t now_ns)
{
	if (semaphores->taken_since_ns == 0)
		semaphores->taken_since_ns = now_ns;
	if (now_ns - semaphores->taken_since_ns < DEAD_AFTER_NS)
		return false;
	/* We act as if we had taken its token: our post will bring it back. */
	semaphores->taken_since_ns = 0;
	semaphores->rearmed++;
	log_line(VIDEO_SHM_LOG_WARNING, "%s: taken for over a second; re-armed", semaphores->write_name);
	return true;
}

HOT bool semaphores_try(struct semaphores *semaphores)
{
	if (semaphores->write == NULL)
		return true;
	if (sem_trywait(semaphores->write) != 0)
		return false;
	semaphores->taken_since_ns = 0;
	return true;
}

HOT void semaphores_release(struct semaphores *semaphores)
{
	int tokens = 0;

	/* Never two tokens, in case that a holder given up for dead comes back. */
	if (semaphores->write != NULL && sem_getvalue(semaphores->write, &tokens) == 0 && tokens == 0)
		(void)sem_post(semaphores->write);
}

COLD static void start_usher(struct semaphores *semaphores)
{
	semaphores->usher = usher_start(semaphores->read);
	semaphores->alone = semaphores->usher == NULL;
	if (semaphores->alone)
		log_line(VIDEO_SHM_LOG_WARNING, "%s: no thread to hand out its tokens; readers may take each other's",
				 semaphores->read_name);
}

HOT void semaphores_signal(struct semaphores *semaphores, uint32_t readers)
{
	const uint32_t wanted = readers < USHER_READERS_MAX ? readers : USHER_READERS_MAX;
	int tokens = 0;

	if (semaphores->read == NULL || wanted == 0)
		return;
	if (semaphores->usher == NULL && wanted > 1 && !semaphores->alone)
		start_usher(semaphores);
	if (semaphores->usher != NULL) {
		usher_call(semaphores->usher, wanted);
		return;
	}
	if (sem_getvalue(semaphores->read, &tokens) != 0)
		return;
	/* A version 1 reader wants the newest frame only, so a token that still lies there is as good as a new
	 * one. */
	for (; tokens < (int)wanted; tokens++)
		(void)sem_post(semaphores->read);
}

void semaphores_forget(struct semaphores *semaphores)
{
	usher_forget(semaphores->usher);
	semaphores->usher = NULL;
}

void semaphores_remove(const struct semaphores *semaphores)
{
	if (semaphores->write != NULL && !is_foreign(semaphores->write_name))
		(void)sem_unlink(semaphores->write_name);
	if (semaphores->read != NULL && !is_foreign(semaphores->read_name))
		(void)sem_unlink(semaphores->read_name);
}

void semaphores_close(struct semaphores *semaphores, bool remove)
{
	usher_end(semaphores->usher);
	semaphores->usher = NULL;
	if (remove)
		semaphores_remove(semaphores);
	if (semaphores->write != NULL)
		(void)sem_close(semaphores->write);
	if (semaphores->read != NULL)
		(void)sem_close(semaphores->read);
	semaphores->write = semaphores->read = NULL;
}
