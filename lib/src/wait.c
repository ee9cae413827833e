/* SPDX-License-Identifier: Apache-2.0 */
#include "wait.h"
#include "cancel.h"
#include "hot.h"
#include "video_shm.h"
#include "wait_any.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u
#define NS_PER_MS 1000000u

/* The kernel's numbers, without FUTEX_PRIVATE_FLAG; not every C library has <linux/futex.h>. */
#define FUTEX_REQUEUE 3
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10

#if !defined(SYS_futex) && defined(SYS_futex_time64)
#define SYS_futex SYS_futex_time64
#define FUTEX_TIME_64 1
#endif

/* The kernel's timespec for SYS_futex, whatever the C library's time_t is. */
struct kernel_timespec {
#ifdef FUTEX_TIME_64
	int64_t seconds;
	int64_t nanoseconds;
#else
	long seconds;
	long nanoseconds;
#endif
};

HOT static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time = {0, 0};

	(void)clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

HOT static uint64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

HOT uint64_t wait_deadline(const struct wait_ops *ops, uint32_t timeout_ms)
{
	if (timeout_ms == VIDEO_SHM_NO_WAIT)
		return 0;
	return timeout_ms == 0 ? WAIT_FOREVER : ops->now() + (uint64_t)timeout_ms * NS_PER_MS;
}

uint64_t wait_wall_clock(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* Always has a deadline: the kernel restarts an endless sleep after a handler with SA_RESTART. */
HOT static int futex_wait(const _Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns,
						  uint32_t bits)
{
	const uint64_t latest = UINT64_C(0x7fffffff) * NS_PER_S;
	const uint64_t until = deadline_ns < latest ? deadline_ns : latest;
	struct kernel_timespec deadline = {0, 0};

	deadline.seconds = (long)(until / NS_PER_S);
	deadline.nanoseconds = (long)(until % NS_PER_S);
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &deadline, NULL, bits) == 0)
		return 0;
	if (errno == EINTR)
		return -1;
	if (errno != EAGAIN &&
		errno != ETIMEDOUT) { /* no futex here, as in a narrow sandbox: slow, but no busy loop */
		const struct timespec pause = {.tv_nsec = 1000000};
		const int cancel = cancel_defer();
		const int result = nanosleep(&pause, NULL) != 0 && errno == EINTR ? -1 : 0;

		cancel_resume(cancel);
		return result;
	}
	return 0;
}

HOT static void futex_wake(const _Atomic uint32_t *word, uint32_t bits)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_BITSET, INT_MAX, NULL, NULL, bits);
}

const struct wait_ops wait_system = {monotonic_ns, futex_wait, futex_wake, wait_any_system};

/* A requeue from a futex to itself moves nobody, but returns the number of sleepers. */
int wait_count_asleep(const _Atomic uint32_t *word)
{
	const long count = syscall(SYS_futex, word, FUTEX_REQUEUE, 0, (void *)INT_MAX, word, 0);

	return count > 0 ? (int)count : 0;
}
