/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included ahead of every source file of the library in the fuzz build. Its system calls are answered within
 * the process. Whenever the library is about to read what others may write (a word, a copy, a pread, a look
 * after a sleep), it is somebody else's turn first: a change of the ring may be due. So a finding of a race
 * is a file that shows it again, every time.
 */
#ifndef VSHM_FUZZ_HOOKS_H
#define VSHM_FUZZ_HOOKS_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

#undef atomic_load_explicit
#define atomic_load_explicit(object, order) (fuzz_turn(), __c11_atomic_load(object, order))
#define memcpy(...) (fuzz_turn(), memcpy(__VA_ARGS__))

#define access(...) fuzz_access(__VA_ARGS__)
#define chmod(...) fuzz_chmod(__VA_ARGS__)
#define clock_gettime(...) fuzz_clock_gettime(__VA_ARGS__)
#define close(...) fuzz_close(__VA_ARGS__)
#define fchmod(...) fuzz_fchmod(__VA_ARGS__)
#define fchown(...) fuzz_fchown(__VA_ARGS__)
#define fcntl(...) fuzz_fcntl(__VA_ARGS__)
#define flock(...) fuzz_flock(__VA_ARGS__)
#define fstat(...) fuzz_fstat(__VA_ARGS__)
#define fstatfs(fd, status) ((void)(fd), (void)memset(status, 0, sizeof(*(status))), 0) /* no overlay */
#define ftruncate(...) fuzz_ftruncate(__VA_ARGS__)
#define geteuid(...) fuzz_geteuid(__VA_ARGS__)
#define getgrnam_r(...) fuzz_getgrnam_r(__VA_ARGS__)
#define getrlimit(...) fuzz_getrlimit(__VA_ARGS__)
/* Who slept how often is the same each time. */
#define getrusage(who, usage) ((void)memset(usage, 0, sizeof(*(usage))), 0)
#define getpid(...) fuzz_getpid(__VA_ARGS__)
#define kill(...) fuzz_kill(__VA_ARGS__)
#define linkat(...) fuzz_linkat(__VA_ARGS__)
#define lstat(...) fuzz_lstat(__VA_ARGS__)
#define madvise(...) fuzz_madvise(__VA_ARGS__)
#define mmap(...) fuzz_mmap(__VA_ARGS__)
#define munmap(...) fuzz_munmap(__VA_ARGS__)
#define nanosleep(...) fuzz_nanosleep(__VA_ARGS__)
#define open(...) fuzz_open(__VA_ARGS__)
#define posix_fallocate(...) fuzz_posix_fallocate(__VA_ARGS__)
#define pread(...) fuzz_pread(__VA_ARGS__)
#define read(...) fuzz_read(__VA_ARGS__)
#define readlink(...) fuzz_readlink(__VA_ARGS__)
/* The host is for one thread. */
#define pthread_create(thread, attributes, run, argument) ((void)(run), EAGAIN)
#define sem_close(...) fuzz_sem_close(__VA_ARGS__)
#define sem_getvalue(...) fuzz_sem_getvalue(__VA_ARGS__)
#define sem_open(...) fuzz_sem_open(__VA_ARGS__)
#define sem_post(...) fuzz_sem_post(__VA_ARGS__)
#define sem_trywait(...) fuzz_sem_trywait(__VA_ARGS__)
#define sem_unlink(...) fuzz_sem_unlink(__VA_ARGS__)
#define stat(...) fuzz_stat(__VA_ARGS__)
#define syscall(...) fuzz_syscall(__VA_ARGS__)
#define unlink(...) fuzz_unlink(__VA_ARGS__)

#endif
