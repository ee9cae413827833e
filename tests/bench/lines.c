/* SPDX-License-Identifier: Apache-2.0 */
/* What lines.py preloads: begins to count once a futex wait has ended, and ends before a futex wake. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_COMMAND 127

static int awaits_wait, counts;

/* Callgrind begins with empty caches each time. */
static void begin(void)
{
	counts = 1;
	CALLGRIND_ZERO_STATS;
	CALLGRIND_START_INSTRUMENTATION;
}

/* Ends the count that was begun, if it still runs, and writes it into a file. */
void lines_end(void)
{
	if (!counts)
		return;
	counts = 0;
	CALLGRIND_STOP_INSTRUMENTATION;
	CALLGRIND_DUMP_STATS;
}

void lines_begin_until_wake(void)
{
	begin();
}

void lines_begin_at_wait(void)
{
	awaits_wait = 1;
}

/* Whether a wait has begun the count. */
int lines_counts(void)
{
	return counts;
}

long syscall(long number, ...)
{
	static long (*kernel)(long, ...);
	long argument[6], result;
	va_list list;

	va_start(list, number);
	for (int at = 0; at < 6; at++)
		argument[at] = va_arg(list, long);
	va_end(list);
	if (kernel == NULL)
		*(void **)(&kernel) = dlsym(RTLD_NEXT, "syscall");
	const int command = number == SYS_futex ? (int)argument[1] & FUTEX_COMMAND : -1;

	if (command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET)
		lines_end();
	result = kernel(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
	if ((command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) && awaits_wait && result == 0) {
		awaits_wait = 0;
		begin();
	}
	return result;
}
