/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

volatile sig_atomic_t program_running = 1;

static void stop(int number)
{
	(void)number;
	program_running = 0;
}

void program_until_signal(void)
{
	const struct sigaction action = {.sa_handler = stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

uint32_t program_number(const char *text, uint32_t max)
{
	char *end = NULL;

	errno = 0;
	const unsigned long long number = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || errno || number > max) {
		fprintf(stderr, "%s: not a number of 0 to %u\n", text, max);
		exit(2);
	}
	return (uint32_t)number;
}

void program_ready(bool wanted)
{
	if (!wanted)
		return;
	puts("ready");
	fflush(stdout);
}

int program_failed(const char *program)
{
	fprintf(stderr, "%s: %s\n", program, strerror(errno));
	return 1;
}
