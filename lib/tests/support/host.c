/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "processes.h"

#define TICK_NS 1000000u
#define WORST_STALL_NS 10000000u /* a third of a frame at 30 fps */
#define OTHERS_SHARE 0.2

/* ---- stalls, told while the test goes on ---- */

struct control {
	_Atomic uint64_t late_ns;
	_Atomic uint64_t longest_ns;
	_Atomic uint64_t last_tick_ns;
};

static struct control *control;

static void tick(void *unused)
{
	(void)unused;
	for (;;) {
		const uint64_t before = now_ns();

		sleep_ms(1);
		const uint64_t took = now_ns() - before;

		if (took > 2 * TICK_NS) {
			(void)atomic_fetch_add(&control->late_ns, took - TICK_NS);
			if (took > atomic_load(&control->longest_ns))
				atomic_store(&control->longest_ns, took);
		}
		atomic_store(&control->last_tick_ns, before + took);
	}
}

void watch_stalls(void)
{
	control = share(sizeof(*control));
	atomic_store(&control->last_tick_ns, now_ns());
	(void)start_child(tick, NULL);
}

uint64_t stalled_ns(void)
{
	const uint64_t last_ns = atomic_load(&control->last_tick_ns), now = now_ns();
	const uint64_t pending_ns = now > last_ns ? now - last_ns : 0;

	return atomic_load(&control->late_ns) + (pending_ns > 2 * TICK_NS ? pending_ns : 0);
}

uint64_t longest_stall_ns(void)
{
	return atomic_load(&control->longest_ns);
}

/* ---- whether a claim about time may be judged ---- */

static double own_s(void)
{
	struct rusage self, children;

	(void)getrusage(RUSAGE_SELF, &self);
	(void)getrusage(RUSAGE_CHILDREN, &children);
	return (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec + children.ru_utime.tv_sec +
					children.ru_stime.tv_sec) +
		   (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec + children.ru_utime.tv_usec +
					children.ru_stime.tv_usec) /
			   1e6;
}

/* Returns the time that all processors have worked so far, and that a hypervisor took from them. */
static double busy_s(void)
{
	unsigned long long user = 0, nice = 0, system = 0, idle, pause, irq = 0, softirq = 0, steal = 0;
	FILE *stat = fopen("/proc/stat", "re");

	if (stat == NULL)
		return 0;
	if (fscanf(stat, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &pause,
			   &irq, &softirq, &steal) != 8)
		user = nice = system = irq = softirq = steal = 0;
	(void)fclose(stat);
	return (double)(user + nice + system + irq + softirq + steal) / (double)sysconf(_SC_CLK_TCK);
}

/* Watches with real-time priority if permitted, since the test's own work is no stall of the host. */
static void *watch_host(void *argument)
{
	const struct sched_param priority = {.sched_priority = 1};
	struct host_watch *watch = argument;

	(void)syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &priority);
	while (!atomic_load(&watch->over)) {
		const uint64_t begin_ns = now_ns();
		uint64_t slept_ns;

		sleep_ms(1);
		slept_ns = now_ns() - begin_ns;
		if (slept_ns > watch->worst_stall_ns + 1000000u)
			watch->worst_stall_ns = slept_ns - 1000000u;
	}
	return NULL;
}

void host_watch_begin(struct host_watch *watch)
{
	watch->worst_stall_ns = 0;
	atomic_store(&watch->over, false);
	watch->begin_ns = now_ns();
	watch->begin_busy_s = busy_s();
	watch->begin_own_s = own_s();
	CHECK_EQ(pthread_create(&watch->thread, NULL, watch_host, watch), 0);
}

void host_watch_end(struct host_watch *watch)
{
	const double seconds = (double)(now_ns() - watch->begin_ns) / 1e9;
	const double busy = busy_s() - watch->begin_busy_s, own = own_s() - watch->begin_own_s;

	atomic_store(&watch->over, true);
	CHECK_EQ(pthread_join(watch->thread, NULL), 0);
	watch->others_share = busy > own ? (busy - own) / (seconds * (double)sysconf(_SC_NPROCESSORS_ONLN)) : 0;
}

bool host_had_other_work(const struct host_watch *watch)
{
	return watch->others_share > OTHERS_SHARE;
}

bool host_was_fit(const struct host_watch *watch)
{
	return watch->worst_stall_ns <= WORST_STALL_NS && !host_had_other_work(watch);
}
