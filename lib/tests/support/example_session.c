/* SPDX-License-Identifier: Apache-2.0 */
#include "example_session.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "processes.h"

#define MOST_WORDS 12

void session_start(struct session *session, const char *ring, const char *words)
{
	static char text[256];
	char *argv[MOST_WORDS + 4] = {(char *)(uintptr_t)VIDEO_CONSUMER, "-n", (char *)(uintptr_t)ring, NULL};
	const int errors_before = dup(STDERR_FILENO);
	int count = 3;

	(void)snprintf(text, sizeof(text), "%s", words);
	for (char *word = strtok(text, " "); word != NULL && count < MOST_WORDS + 3; word = strtok(NULL, " "))
		argv[count++] = word;
	session->errors = tmpfile();
	CHECK(session->errors != NULL);
	CHECK(dup2(fileno(session->errors), STDERR_FILENO) >= 0);
	session->pid = start_program(argv, &session->output);
	CHECK(dup2(errors_before, STDERR_FILENO) >= 0);
	(void)close(errors_before);
}

void session_start_attached(struct session *session, const char *ring, const char *words)
{
	session_start(session, ring, words);
	await_mapped(session->pid, ring);
	await_handler(session->pid, SIGTERM); /* set last */
}

int session_end(struct session *session, char errors[ERRORS_BYTES])
{
	const int status = await_child(session->pid);
	size_t length;

	CHECK(WIFEXITED(status));
	rewind(session->errors);
	length = fread(errors, 1, ERRORS_BYTES - 1, session->errors);
	errors[length] = '\0';
	(void)fclose(session->errors);
	return WEXITSTATUS(status);
}

void session_ends_well(struct session *session)
{
	char errors[ERRORS_BYTES];

	CHECK_EQ(session_end(session, errors), 0);
	CHECK(fgetc(session->output) == EOF);
	(void)fclose(session->output);
}
