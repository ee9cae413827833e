/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include "check.h"

void on_signal(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_flags = flags};

	action.sa_handler = handler;
	(void)sigemptyset(&action.sa_mask);
	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

timer_t start_timer(int number, unsigned first_us, unsigned every_us)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = number};
	const struct itimerspec times = {.it_value = {.tv_nsec = (long)first_us * 1000},
									 .it_interval = {.tv_nsec = (long)every_us * 1000}};
	timer_t timer;

	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &times, NULL), 0);
	return timer;
}

void stop_timer(timer_t timer)
{
	CHECK_EQ(timer_delete(timer), 0);
}
