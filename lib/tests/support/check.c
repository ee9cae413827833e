/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_SKIPPED 77
#define MAX_NAMES 512
#define MAX_CHANNELS 64u
#define FIRST_CHANNEL 1000000000u

static char names[MAX_NAMES][48];
static unsigned name_count, channel_count;
static pid_t owner;
static const char *running = "";

/* A process id has 22 bits. The benchmarks' channels begin where these end, the Python tests' end where they
 * begin: all of them may run at once, and each removes what bears its own numbers. */
static int channel_of(pid_t pid, unsigned number)
{
	return (int)(FIRST_CHANNEL + (unsigned)pid * MAX_CHANNELS + number);
}

/* All that a test process may have named. By its pid alone, so that the parent can do it for one that was
 * killed. */
static void remove_names_of(pid_t pid)
{
	static const char *const semaphores[] = {VIDEO_SHM_SEM_WRITE, VIDEO_SHM_SEM_READ};
	char text[64];

	for (unsigned number = 0; number < MAX_NAMES; number++) {
		(void)snprintf(text, sizeof(text), "/vshm_test_%d_%u", (int)pid, number);
		(void)shm_unlink(text);
	}
	for (unsigned number = 0; number < MAX_CHANNELS; number++) {
		(void)snprintf(text, sizeof(text), VIDEO_SHM_NAME "_ch%d", channel_of(pid, number));
		(void)shm_unlink(text);
		for (size_t at = 0; at < 2; at++) {
			(void)snprintf(text, sizeof(text), "%s_ch%d", semaphores[at], channel_of(pid, number));
			(void)sem_unlink(text);
		}
	}
}

static unsigned patience_s; /* of the watchdog */

static void remove_all(void)
{
	if (getpid() == owner)
		remove_names_of(owner);
}

static void bark(int signal)
{
	static const char text[] = "watchdog: the test hangs\n";

	(void)signal;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	remove_all();
	_exit(124);
}

void goes_on(void)
{
	(void)alarm(patience_s);
}

/* Runs a test in a process of its own, so that one that fails, faults or leaks leaves the others alone. */
static int run_one(const struct test *test, unsigned watchdog_s)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		owner = getpid();
		running = test->name;
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGALRM, bark);
		patience_s = watchdog_s;
		goes_on();
		test->run();
		remove_all();
		exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	remove_names_of(pid);
	fprintf(stderr, "%s: ended by signal %d\n", test->name, WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

/* Returns whether any word chooses the test: a part of its name, or "2/3", which is every third test from the
 * second. */
static bool is_chosen(const struct test *tests, size_t at, int argc, char **argv)
{
	bool chosen = argc < 2;

	for (int word = 1; word < argc; word++) {
		unsigned part, parts;

		if (sscanf(argv[word], "%u/%u", &part, &parts) == 2)
			chosen = chosen || (parts > 0 && at % parts + 1 == part);
		else
			chosen = chosen || strstr(tests[at].name, argv[word]) != NULL;
	}
	return chosen;
}

int run_tests(int argc, char **argv, const struct test *tests, size_t count, unsigned watchdog_s)
{
	unsigned failed = 0, skipped = 0, ran = 0;

	/* They may starve for long on a machine that has much else to do, above all where they are ten times
	 * slower. */
	watchdog_s *= is_emulated() ? 5 : 3;
	for (size_t at = 0; at < count; at++) {
		if (!is_chosen(tests, at, argc, argv))
			continue;
		const uint64_t begin = now_ns();
		const int code = run_one(&tests[at], watchdog_s);

		ran++;
		skipped += code == EXIT_SKIPPED;
		failed += code != 0 && code != EXIT_SKIPPED;
		fprintf(stderr, "%-4s %s (%.2f s)\n",
				code == 0              ? "ok"
				: code == EXIT_SKIPPED ? "skip"
									   : "FAIL",
				tests[at].name, (double)(now_ns() - begin) / 1e9);
	}
	if (failed > 0 || ran == 0)
		return 1;
	return skipped == ran ? EXIT_SKIPPED : 0;
}

void check_failed(const char *file, int line, const char *claim, const char *detail, ...)
{
	va_list arguments;

	fprintf(stderr, "%s:%d: %s: %s: ", file, line, running, claim);
	va_start(arguments, detail);
	vfprintf(stderr, detail, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	remove_all();
	_exit(1);
}

void skip_test(const char *why)
{
	fprintf(stderr, "%s: skipped: %s\n", running, why);
	remove_all();
	_exit(EXIT_SKIPPED);
}

bool is_emulated(void)
{
#ifdef EMULATOR
	return true;
#else
	return false;
#endif
}

bool long_form(void)
{
	const char *word = getenv("VIDEO_SHM_LONG");

	return word != NULL && strcmp(word, "1") == 0;
}

unsigned pick(unsigned quick, unsigned thorough)
{
	return long_form() ? thorough : quick;
}

const char *fresh_name(void)
{
	CHECK(name_count < MAX_NAMES);
	(void)snprintf(names[name_count], sizeof(names[0]), "/vshm_test_%d_%u", (int)getpid(), name_count);
	return names[name_count++];
}

int fresh_channel(void)
{
	CHECK(channel_count < MAX_CHANNELS);
	return channel_of(getpid(), channel_count++);
}

const char *shm_path(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "/dev/shm%s", name);
	return path;
}

bool shm_exists(const char *name)
{
	return access(shm_path(name), F_OK) == 0;
}

/* ---- time ---- */

uint64_t now_ns(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void sleep_ms(unsigned ms)
{
	struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) != 0 && errno == EINTR) {
	}
}
