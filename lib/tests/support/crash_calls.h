/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included ahead of every source file of the library in the build that dies on demand: each system call is
 * followed by a crash point, as each store to shared memory is (shared.h). crash_points_complete holds this
 * list against what the objects import.
 */
#ifndef VSHM_CRASH_CALLS_H
#define VSHM_CRASH_CALLS_H

#include <fcntl.h>
#include <grp.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

void crash_point(void);
int crash_clock(clockid_t clock, struct timespec *time);

#define THEN_CRASH(call)                                                                                     \
	__extension__({                                                                                          \
		const __typeof__(call) called_ = (call);                                                             \
		crash_point();                                                                                       \
		called_;                                                                                             \
	})

/* A clock that a test can put forward, to save waiting for what the library does every half second. */
#define clock_gettime(...) crash_clock(__VA_ARGS__)

#define chmod(...) THEN_CRASH(chmod(__VA_ARGS__))
#define close(...) THEN_CRASH(close(__VA_ARGS__))
#define fchmod(...) THEN_CRASH(fchmod(__VA_ARGS__))
#define fchown(...) THEN_CRASH(fchown(__VA_ARGS__))
#define fcntl(...) THEN_CRASH(fcntl(__VA_ARGS__))
#define fstat(...) THEN_CRASH(fstat(__VA_ARGS__))
#define fstatfs(...) THEN_CRASH(fstatfs(__VA_ARGS__))
#define flock(...) THEN_CRASH(flock(__VA_ARGS__))
#define ftruncate(...) THEN_CRASH(ftruncate(__VA_ARGS__))
#define getgrnam_r(...) THEN_CRASH(getgrnam_r(__VA_ARGS__))
#define kill(...) THEN_CRASH(kill(__VA_ARGS__))
#define linkat(...) THEN_CRASH(linkat(__VA_ARGS__))
#define lstat(...) THEN_CRASH(lstat(__VA_ARGS__))
#define madvise(...) THEN_CRASH(madvise(__VA_ARGS__))
#define mmap(...) THEN_CRASH(mmap(__VA_ARGS__))
#define munmap(...) THEN_CRASH(munmap(__VA_ARGS__))
#define nanosleep(...) THEN_CRASH(nanosleep(__VA_ARGS__))
#define open(...) THEN_CRASH(open(__VA_ARGS__))
#define posix_fallocate(...) THEN_CRASH(posix_fallocate(__VA_ARGS__))
#define pread(...) THEN_CRASH(pread(__VA_ARGS__))
#define read(...) THEN_CRASH(read(__VA_ARGS__))
#define sem_close(...) THEN_CRASH(sem_close(__VA_ARGS__))
#define sem_open(...) THEN_CRASH(sem_open(__VA_ARGS__))
#define sem_post(...) THEN_CRASH(sem_post(__VA_ARGS__))
#define sem_trywait(...) THEN_CRASH(sem_trywait(__VA_ARGS__))
#define sem_unlink(...) THEN_CRASH(sem_unlink(__VA_ARGS__))
#define stat(...) THEN_CRASH(stat(__VA_ARGS__))
#define syscall(...) THEN_CRASH(syscall(__VA_ARGS__))
#define unlink(...) THEN_CRASH(unlink(__VA_ARGS__))

#endif
