/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fleet.h"

#define TICK_NS 1000000u

struct host_control {
	_Atomic uint32_t real_time;
	_Atomic uint64_t stalls;
	_Atomic uint64_t stalled_ns;
	_Atomic uint64_t longest_ns;
};

struct watch {
	struct host_control *control;
	int core;
};

static unsigned core_count(void)
{
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores > 0 ? (unsigned)cores : 1;
}

/* One core, for ever. */
static void *watch_core(void *argument)
{
	const struct watch watch = *(struct watch *)argument;
	const struct sched_param first = {.sched_priority = 50};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)watch.core, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	if (sched_setscheduler(0, SCHED_FIFO, &first) == 0)
		atomic_store(&watch.control->real_time, 1);
	for (;;) {
		const uint64_t begin_ns = fleet_now_ns();
		uint64_t late_ns;

		fleet_sleep_ns(TICK_NS);
		late_ns = fleet_now_ns() - begin_ns - TICK_NS;
		if (late_ns < HOST_STALL_NS || late_ns > INT64_MAX)
			continue;
		(void)atomic_fetch_add(&watch.control->stalls, 1);
		(void)atomic_fetch_add(&watch.control->stalled_ns, late_ns);
		if (late_ns > atomic_load(&watch.control->longest_ns))
			atomic_store(&watch.control->longest_ns, late_ns);
	}
	return NULL;
}

static void watch_all(void *argument)
{
	static struct watch watches[CPU_SETSIZE];
	pthread_t thread;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		_exit(0);
	for (int core = 0; core < CPU_SETSIZE; core++) {
		watches[core] = (struct watch){argument, core};
		if (CPU_ISSET((size_t)core, &allowed))
			(void)pthread_create(&thread, NULL, watch_core, &watches[core]);
	}
	for (;;)
		(void)pause();
}

/* All cores together, in ticks: all but idle and waiting, and what was stolen. */
static void read_ticks(uint64_t *busy, uint64_t *stolen)
{
	unsigned long long user = 0, nice = 0, system = 0, idle = 0, waiting = 0, hard = 0, soft = 0, steal = 0;
	FILE *file = fopen("/proc/stat", "re");

	if (file != NULL) {
		(void)!fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
					  &waiting, &hard, &soft, &steal);
		(void)fclose(file);
	}
	*busy = user + nice + system + hard + soft;
	*stolen = steal;
}

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* Processor time of this process and of all its children that were reaped. */
static double own_seconds(void)
{
	struct rusage own, reaped;

	if (getrusage(RUSAGE_SELF, &own) != 0 || getrusage(RUSAGE_CHILDREN, &reaped) != 0)
		return 0;
	return seconds(&own.ru_utime) + seconds(&own.ru_stime) + seconds(&reaped.ru_utime) +
		   seconds(&reaped.ru_stime);
}

void host_begin(struct host *host)
{
	host->control = fleet_share(sizeof(*host->control));
	host->pid = fleet_fork(watch_all, host->control);
	host->own_s = own_seconds();
	read_ticks(&host->busy_ticks, &host->stolen_ticks);
	host->begin_ns = fleet_now_ns();
}

void host_end(struct host *host, struct host_report *report)
{
	const struct host_control *control = host->control;
	const double elapsed_s = (double)(fleet_now_ns() - host->begin_ns) / 1e9 * core_count();
	const double ticks_per_s = (double)sysconf(_SC_CLK_TCK);
	uint64_t busy, stolen;

	(void)kill(host->pid, SIGKILL);
	while (waitpid(host->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	read_ticks(&busy, &stolen);
	*report = (struct host_report){
		.real_time = atomic_load(&control->real_time) != 0,
		.stalls = atomic_load(&control->stalls),
		.longest_stall_ms = (double)atomic_load(&control->longest_ns) / 1e6,
		.stalled_share = (double)atomic_load(&control->stalled_ns) / 1e9 / elapsed_s,
		.stolen_share = (double)(stolen - host->stolen_ticks) / ticks_per_s / elapsed_s,
		.foreign_share =
			((double)(busy - host->busy_ticks) / ticks_per_s - (own_seconds() - host->own_s)) / elapsed_s,
	};
	if (report->foreign_share < 0) /* ticks are coarse */
		report->foreign_share = 0;
	report->fit = (!report->real_time || report->stalled_share <= HOST_STALLED_SHARE) &&
				  report->stolen_share <= HOST_STOLEN_SHARE && report->foreign_share <= HOST_FOREIGN_SHARE;
	fleet_unshare(host->control, sizeof(*host->control));
}

void host_model(char *name, unsigned size)
{
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "re");

	(void)snprintf(name, size, "unknown");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *value = strchr(line, ':');

		if (value != NULL && strncmp(line, "model name", 10) == 0) {
			(void)snprintf(name, size, "%.*s", (int)strcspn(value + 2, "\n\"\\"), value + 2);
			break;
		}
	}
	if (file != NULL)
		(void)fclose(file);
}
