/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that a test sends to itself. SIGALRM is the watchdog's. */
#ifndef VSHM_SIGNALS_H
#define VSHM_SIGNALS_H

#include <signal.h>
#include <time.h>

void on_signal(int number, void (*handler)(int), int flags);

/* Sends this process a signal after first_us, less than a second, and then every every_us; 0: once. */
timer_t start_timer(int number, unsigned first_us, unsigned every_us);
void stop_timer(timer_t timer);

#endif
