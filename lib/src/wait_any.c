/* SPDX-License-Identifier: Apache-2.0 */
#include "wait_any.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cancel.h"
#include "hot.h"

#define NS_PER_S 1000000000u
#define WORD_OF_32_BITS 2u /* FUTEX2_SIZE_U32, between processes */

/* Since Linux 5.1 a new call has one number everywhere, but where numbers begin elsewhere. Headers of an
 * older kernel do not know it; the kernel that we run on may. */
#ifdef SYS_futex_waitv
#define FUTEX_WAITV SYS_futex_waitv
#elif !defined(__alpha__) && !defined(__mips__) && !(defined(__x86_64__) && defined(__ILP32__))
#define FUTEX_WAITV 449
#endif

/* The kernel's timespec for this call, on every processor. */
struct timespec_64 {
	int64_t seconds;
	int64_t nanoseconds;
};

static_assert(sizeof(struct wait_word) == 24, "the kernel's struct futex_waitv");

HOT struct wait_word wait_word(const _Atomic uint32_t *word, uint32_t expected)
{
	return (struct wait_word){
		.expected = expected, .address = (uint64_t)(uintptr_t)word, .flags = WORD_OF_32_BITS};
}

#ifdef FUTEX_WAITV
HOT static long times_asleep(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : 0;
}

/* Returns the signals for which the program has handlers, the first in the lowest bit. It may have fewer. */
COLD static uint64_t handled_signals(void)
{
	const int cancel = cancel_defer();
	const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t length = -1;
	const char *line;
	uint64_t signals = UINT64_MAX;

	if (fd >= 0) {
		length = read(fd, text, sizeof(text) - 1);
		(void)close(fd);
	}
	text[length > 0 ? length : 0] = '\0';
	line = strstr(text, "\nSigCgt:");
	if (line != NULL)
		signals = strtoull(line + sizeof("\nSigCgt:") - 1, NULL, 16);
	cancel_resume(cancel);
	return signals;
}

/* Who was only stopped, by Ctrl-Z or a debugger, slept twice, too. */
COLD static bool may_be_restarted(void)
{
	const int error = errno;
	const uint64_t signals = handled_signals();
	struct sigaction action;
	bool may = false;

	for (int number = 1; number <= SIGRTMAX && !may; number++)
		may = (signals >> (number - 1) & 1) != 0 && sigaction(number, NULL, &action) == 0 &&
			  action.sa_handler != SIG_IGN && action.sa_handler != SIG_DFL &&
			  (action.sa_flags & SA_RESTART) != 0;
	errno = error;
	return may;
}
#endif

HOT int wait_any_system(const struct wait_word *words, uint32_t count, uint64_t deadline_ns)
{
#ifdef FUTEX_WAITV
	const uint64_t latest = UINT64_C(0x7fffffff) * NS_PER_S;
	const uint64_t until = deadline_ns < latest ? deadline_ns : latest;
	const struct timespec_64 deadline = {(int64_t)(until / NS_PER_S), (int64_t)(until % NS_PER_S)};
	const long before = times_asleep();
	const long woken = syscall(FUTEX_WAITV, words, count, 0, &deadline, CLOCK_MONOTONIC);

	if (woken >= 0)
		return (int)woken;
	if (errno == EAGAIN)
		return (int)count;
	/* After a handler with SA_RESTART the kernel goes on with this call, even with one that has a deadline.
	 * But whoever went to sleep twice was woken in between. */
	if (errno == ETIMEDOUT && (times_asleep() - before < 2 || !may_be_restarted()))
		return (int)count;
	if (errno == ETIMEDOUT)
		errno = EINTR;
	if (errno == EINTR)
		return -1;
#else
	(void)words;
	(void)count;
	(void)deadline_ns;
#endif
	errno = ENOSYS; /* an older kernel, or a sandbox, which may say EPERM */
	return -1;
}
