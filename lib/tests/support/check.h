/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every test program shares: claims that name themselves when they fail, a watchdog, ring names of its
 * own, and child processes that never outlive it.
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

/* Runs the tests whose names hold any of the arguments, or all. The exit code for main; 77 if all were
 * skipped. */
int run_tests(int argc, char **argv, const struct test *tests, size_t count, unsigned watchdog_s);

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

/* Ends the program with file, line and what was claimed. In a child too: its parent sees the exit code. */
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

/* The call fails with -1 and that errno. */
#define CHECK_FAILS(call, error)                                                                             \
	do {                                                                                                     \
		errno = 0;                                                                                           \
		const long long result_ = (long long)(call);                                                         \
		if (result_ != -1 || errno != (error))                                                               \
			check_failed(__FILE__, __LINE__, #call " fails with " #error, "returned %lld, errno %d (%s)",    \
						 result_, errno, strerror(errno));                                                   \
	} while (0)

/* Leaves the running test as skipped: say what is missing. */
_Noreturn void skip_test(const char *why);

/* Whether programs run under an emulator, as ci/cross does it. */
bool is_emulated(void);

/* VIDEO_SHM_LONG=1: the long form of a test. */
bool long_form(void);
unsigned pick(unsigned quick, unsigned thorough);

/* A ring name that nobody else uses, "/vshm_test_PID_N"; removed at the end, whatever happens to the ring. */
const char *fresh_name(void);
/* A channel that nobody else uses; its ring and semaphores are removed at the end. */
int fresh_channel(void);
/* "/dev/shm" + name. */
const char *shm_path(const char *name);
bool shm_exists(const char *name);

/* Runs work in a forked child that dies with this process. */
pid_t start_child(void (*work)(void *), void *argument);
/* Starts a program likewise; its stdout goes to *output if that is not NULL. argv ends with NULL. */
pid_t start_program(char *const argv[], FILE **output);
/* Waits for a child of ours; its wait status. */
int await_child(pid_t pid);
/* Waits for it, and claims that it ended with 0. */
void child_succeeds(pid_t pid);
/* Sends SIGKILL to a child of ours and reaps it. */
void kill_child(pid_t pid);

uint64_t now_ns(void);
void sleep_ms(unsigned ms);

#endif
