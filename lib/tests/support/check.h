/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all test programs share: checks that print themselves when they fail, a watchdog, ring names of
 * their own, and child processes that never outlive them.
 */
#ifndef VSHM_CHECK_H
#define VSHM_CHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "video_shm.h"

struct test {
	const char *name;
	void (*run)(void);
};

/*
 * Runs the tests whose names contain any of the arguments, or all; an argument such as 2/3 is every third
 * test, beginning with the second. Returns the exit code for main: 77 if all were skipped.
 */
int run_tests(int argc, char **argv, const struct test *tests, size_t count, unsigned watchdog_s);

/* Tells the watchdog of a long test that a step of it has ended: what is left has as long again. */
void goes_on(void);

#define TEST(function)                                                                                       \
	{                                                                                                        \
#function, function                                                                                  \
	}
#define TEST_MAIN(watchdog_s, ...)                                                                           \
	int main(int argc, char **argv)                                                                          \
	{                                                                                                        \
		const struct test tests[] = {__VA_ARGS__};                                                           \
		return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), watchdog_s);                   \
	}

/*
 * Prints file, line and the failed check, and ends the program, or a child, whose parent sees the exit
 * code.
 */
_Noreturn void check_failed(const char *file, int line, const char *claim, const char *detail, ...)
	__attribute__((format(printf, 4, 5)));

#define CHECK(claim)                                                                                         \
	do {                                                                                                     \
		if (!(claim))                                                                                        \
			check_failed(__FILE__, __LINE__, #claim, "errno %d (%s)", errno, strerror(errno));               \
	} while (0)

#define CHECK_EQ(got, expected)                                                                              \
	do {                                                                                                     \
		const long long got_ = (long long)(got), expected_ = (long long)(expected);                          \
		if (got_ != expected_)                                                                               \
			check_failed(__FILE__, __LINE__, #got " == " #expected, "%lld, not %lld; errno %d (%s)", got_,   \
						 expected_, errno, strerror(errno));                                                 \
	} while (0)

/* Checks that the call fails with -1 and that errno. */
#define CHECK_FAILS(call, error)                                                                             \
	do {                                                                                                     \
		errno = 0;                                                                                           \
		const long long result_ = (long long)(call);                                                         \
		if (result_ != -1 || errno != (error))                                                               \
			check_failed(__FILE__, __LINE__, #call " fails with " #error, "returned %lld, errno %d (%s)",    \
						 result_, errno, strerror(errno));                                                   \
	} while (0)

/* Skips the running test. why says what is missing. */
_Noreturn void skip_test(const char *why);

/* Returns whether programs run under an emulator, as in ci/cross. */
bool is_emulated(void);

/* Returns whether tests run in their long form, with VIDEO_SHM_LONG=1. */
bool long_form(void);
unsigned pick(unsigned quick, unsigned thorough);

/* Returns a ring name of its own, "/vshm_test_PID_N". What has that name is removed at the end. */
const char *fresh_name(void);
/* Returns a channel that nobody else uses. Its ring and semaphores are removed at the end. */
int fresh_channel(void);
/* Returns "/dev/shm" + name. */
const char *shm_path(const char *name);
bool shm_exists(const char *name);

/* Runs work in a forked child that dies with this process. */
pid_t start_child(void (*work)(void *), void *argument);
/*
 * Starts a program that dies with this process. Its stdout goes to *output unless that is NULL. argv ends
 * with NULL.
 */
pid_t start_program(char *const argv[], FILE **output);
/* Waits for a child. Returns its wait status. */
int await_child(pid_t pid);
/* Waits for a child, and checks that it ended with 0. */
void child_succeeds(pid_t pid);
/* Kills a child with SIGKILL, and reaps it. */
void kill_child(pid_t pid);

uint64_t now_ns(void);
void sleep_ms(unsigned ms);

#endif
