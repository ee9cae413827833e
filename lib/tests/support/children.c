/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t start_child(void (*work)(void *), void *argument)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	work(argument);
	_exit(0);
}

/* Executes a program in a child. An emulated process can't start another of its kind by itself. */
static void become_program(char *const argv[])
{
#ifdef EMULATOR
	const char *const emulator[] = {EMULATOR};
	const size_t before = sizeof(emulator) / sizeof(emulator[0]);
	char *words[32] = {NULL};

	for (size_t at = 0; at < before; at++)
		words[at] = (char *)(uintptr_t)emulator[at];
	for (size_t at = 0; argv[at] != NULL && before + at + 1 < sizeof(words) / sizeof(words[0]); at++)
		words[before + at] = argv[at];
	(void)execvp(words[0], words);
#else
	(void)execv(argv[0], argv);
#endif
}

pid_t start_program(char *const argv[], FILE **output)
{
	int ends[2] = {-1, -1};
	pid_t pid;

	CHECK(output == NULL || pipe(ends) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (output != NULL) {
			(void)dup2(ends[1], STDOUT_FILENO);
			(void)close(ends[0]);
			(void)close(ends[1]);
		}
		become_program(argv);
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	if (output != NULL) {
		(void)close(ends[1]);
		*output = fdopen(ends[0], "r");
		CHECK(*output != NULL);
	}
	return pid;
}

int await_child(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		CHECK(errno == EINTR);
	return status;
}

void child_succeeds(pid_t pid)
{
	const int status = await_child(pid);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		check_failed(__FILE__, __LINE__, "the child succeeds", "wait status 0x%x", (unsigned)status);
}

void kill_child(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)await_child(pid);
}
