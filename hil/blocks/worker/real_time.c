/* SPDX-License-Identifier: Apache-2.0 */
#include "real_time.h"

#include <sched.h>
#include <sys/resource.h>

#define SLEEPLESS_US 10000000u

bool real_time_begin(void)
{
	/* The lowest priority of that class: what the kernel does by itself still comes first. */
	const struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
	struct rlimit sleepless;

	/* A library that never sleeps is ended by SIGXCPU before it takes the host. */
	if (getrlimit(RLIMIT_RTTIME, &sleepless) != 0)
		return false;
	if (sleepless.rlim_cur > SLEEPLESS_US)
		sleepless.rlim_cur = SLEEPLESS_US;
	return setrlimit(RLIMIT_RTTIME, &sleepless) == 0 && sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
}
