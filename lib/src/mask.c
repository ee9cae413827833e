/* SPDX-License-Identifier: Apache-2.0 */
#include "mask.h"

#include <pthread.h>

#include "hot.h"

COLD void mask_begin(sigset_t *before)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, before);
}

/* An ignored signal would not end a sleep either; it is pending only because it was blocked. */
COLD static bool is_handled(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN &&
		   action.sa_handler != SIG_DFL;
}

COLD bool mask_end(const sigset_t *before)
{
	bool came = false;
	sigset_t pending;

	if (sigpending(&pending) == 0)
		for (int number = 1; number <= SIGRTMAX && !came; number++)
			came =
				sigismember(&pending, number) == 1 && sigismember(before, number) == 0 && is_handled(number);
	(void)pthread_sigmask(SIG_SETMASK, before, NULL);
	return came;
}
