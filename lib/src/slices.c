/* SPDX-License-Identifier: Apache-2.0 */
#include "slices.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NS 100000u /* the shortest that Linux accepts */
#define SLACK_NS 1000u

/* struct sched_attr; slices since Linux 6.12. Not every C library has <linux/sched/types.h>. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

void slices_ask_for_short(void)
{
	struct scheduling wanted = {.size = sizeof(wanted), .runtime_ns = SLICE_NS};

	errno = 0;
	wanted.nice = getpriority(PRIO_PROCESS, 0); /* of this thread; the call sets it too */
	if (errno == 0 && syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER)
		(void)syscall(SYS_sched_setattr, 0, &wanted, 0);
	(void)prctl(PR_SET_TIMERSLACK, SLACK_NS);
}
