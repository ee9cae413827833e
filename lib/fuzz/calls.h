/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of the library under test, answered within the process: a /dev/shm in memory (calls.c,
 * locks.c, memory.c), semaphores in it (tokens.c), and a host with a few processes and a clock (host.c).
 * Named and behaving like the calls that they stand for, as far as the library makes use of them.
 */
#ifndef VSHM_FUZZ_CALLS_H
#define VSHM_FUZZ_CALLS_H

#include <grp.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

int fuzz_access(const char *path, int mode);
int fuzz_chmod(const char *path, mode_t mode);
int fuzz_close(int fd);
int fuzz_fchmod(int fd, mode_t mode);
int fuzz_fchown(int fd, uid_t owner, gid_t group);
int fuzz_fcntl(int fd, int command, ...);
int fuzz_flock(int fd, int operation);
int fuzz_fstat(int fd, struct stat *status);
int fuzz_ftruncate(int fd, off_t size);
int fuzz_linkat(int from, const char *path, int to, const char *name, int flags);
int fuzz_lstat(const char *path, struct stat *status);
int fuzz_open(const char *path, int flags, ...);
int fuzz_posix_fallocate(int fd, off_t begin, off_t size);
ssize_t fuzz_pread(int fd, void *to, size_t size, off_t offset);
ssize_t fuzz_read(int fd, void *to, size_t size);
int fuzz_unlink(const char *path);

void *fuzz_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int fuzz_madvise(void *base, size_t size, int advice);
int fuzz_munmap(void *base, size_t size);

int fuzz_sem_close(sem_t *semaphore);
int fuzz_sem_getvalue(sem_t *semaphore, int *value);
sem_t *fuzz_sem_open(const char *name, int flags, ...);
int fuzz_sem_post(sem_t *semaphore);
int fuzz_sem_trywait(sem_t *semaphore);
int fuzz_sem_unlink(const char *name);

int fuzz_clock_gettime(clockid_t clock, struct timespec *time);
int fuzz_getgrnam_r(const char *name, struct group *entry, char *text, size_t size, struct group **found);
uid_t fuzz_geteuid(void);
int fuzz_getrlimit(int resource, struct rlimit *limit);
pid_t fuzz_getpid(void);
int fuzz_kill(pid_t pid, int signal);
int fuzz_nanosleep(const struct timespec *time, struct timespec *left);
ssize_t fuzz_readlink(const char *path, char *to, size_t size);
int fuzz_stat(const char *path, struct stat *status);
long fuzz_syscall(long number, ...);

/* Gives another process its turn: makes the changes of the ring that are due. */
void fuzz_turn(void);

#endif
