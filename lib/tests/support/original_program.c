/* SPDX-License-Identifier: Apache-2.0 */
#include "original_program.h"

#include <poll.h>
#include <signal.h>

#include "check.h"
#include "processes.h"

struct original_program original_start(const char *path, const char *first, const char *second,
									   const char *ring)
{
	char *argv[] = {(char *)(uintptr_t)path, (char *)(uintptr_t)first, (char *)(uintptr_t)second, NULL};
	struct original_program program;

	program.pid = start_program(argv, &program.output);
	await_mapped(program.pid, ring);
	await_sleep(program.pid);
	return program;
}

const char *channel_text(int channel)
{
	static char text[16];

	(void)snprintf(text, sizeof(text), "%d", channel);
	return text;
}

void original_ends_with(struct original_program *program, const char *expected)
{
	struct pollfd output = {.fd = fileno(program->output), .events = POLLIN};

	/* Again where need be: one that comes with a writer's close may find the reader between two sleeps. */
	do
		CHECK_EQ(kill(program->pid, SIGINT), 0);
	while (poll(&output, 1, 500) == 0);
	says(program->output, expected);
	CHECK_EQ(fgetc(program->output), EOF);
	(void)fclose(program->output);
	child_succeeds(program->pid);
}
