/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included ahead of every source file of the library in the fuzz build. Whenever the library is about to read
 * what others may write (a word, a copy, a pread, a look after a sleep), it is somebody else's turn first: a
 * change of the ring may be due. So a finding of a race is a file that shows it again, every time.
 */
#ifndef VSHM_FUZZ_HOOKS_H
#define VSHM_FUZZ_HOOKS_H

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void fuzz_turn(void);
int fuzz_clock(clockid_t clock, struct timespec *time);
void *fuzz_map(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int fuzz_unmap(void *base, size_t size);
int fuzz_sleep(void);
long fuzz_futex(long number, ...);

#undef atomic_load_explicit
#define atomic_load_explicit(object, order) (fuzz_turn(), __c11_atomic_load(object, order))
#define memcpy(...) (fuzz_turn(), memcpy(__VA_ARGS__))
#define pread(...) (fuzz_turn(), pread(__VA_ARGS__))
#define fstat(...) (fuzz_turn(), fstat(__VA_ARGS__))
#define lstat(...) (fuzz_turn(), lstat(__VA_ARGS__))

#define clock_gettime(...) fuzz_clock(__VA_ARGS__)
#define mmap(...) fuzz_map(__VA_ARGS__)
#define munmap(...) fuzz_unmap(__VA_ARGS__)
#define nanosleep(time, left) ((void)(time), (void)(left), fuzz_sleep())
#define posix_fallocate(fd, begin, size) ((void)(fd), (void)(begin), (void)(size), 0) /* for speed */
#define syscall(...) fuzz_futex(__VA_ARGS__)                                          /* nobody sleeps */

#endif
