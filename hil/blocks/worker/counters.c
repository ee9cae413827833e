/* SPDX-License-Identifier: Apache-2.0 */
#include "counters.h"

#include <dirent.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KIB 1024u

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time = {0, 0};

	(void)clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* Returns the bytes in a line "Key:   123 kB" of a file in /proc/self, or 0 if there is none. */
static uint64_t proc_bytes(const char *path, const char *key)
{
	char line[256];
	unsigned long long kib = 0;
	FILE *file = fopen(path, "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0 && sscanf(line + strlen(key), ": %llu", &kib) == 1)
			break;
	}
	if (file != NULL)
		(void)fclose(file);
	return kib * KIB;
}

static uint64_t count_descriptors(void)
{
	DIR *const folder = opendir("/proc/self/fd");
	uint64_t count = 0;

	while (folder != NULL && readdir(folder) != NULL)
		count++;
	if (folder != NULL)
		(void)closedir(folder);
	return count > 3 ? count - 3 : 0; /* ".", "..", and the folder itself */
}

static void read_all(const struct counters *counters, struct tally *tally)
{
	struct rusage usage;

	memset(&usage, 0, sizeof(usage));
	(void)getrusage(RUSAGE_SELF, &usage);
	tally->switches = (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
	tally->measured_instructions =
		counters->instructions_fd >= 0 && read(counters->instructions_fd, &tally->instructions,
											   sizeof(tally->instructions)) == sizeof(tally->instructions);
	tally->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void counters_open(struct counters *counters)
{
	struct perf_event_attr wanted;

	memset(&wanted, 0, sizeof(wanted));
	wanted.size = sizeof(wanted);
	wanted.type = PERF_TYPE_HARDWARE;
	wanted.config = PERF_COUNT_HW_INSTRUCTIONS;
	wanted.exclude_kernel = 1;
	wanted.exclude_hv = 1;
	counters->instructions_fd = (int)syscall(SYS_perf_event_open, &wanted, 0, -1, -1, 0);
}

void counters_begin(struct counters *counters, struct tally *tally)
{
	counters->begin.grown_bytes = (int64_t)proc_bytes("/proc/self/status", "RssAnon");
	read_all(counters, &counters->begin);
	atomic_store(&tally->counting, true);
}

void counters_end(const struct counters *counters, struct tally *tally, uint64_t frames)
{
	struct tally now;

	atomic_store(&tally->counting, false);
	memset(&now, 0, sizeof(now));
	read_all(counters, &now);
	tally->frames = frames;
	tally->cpu_ns = now.cpu_ns - counters->begin.cpu_ns;
	tally->switches = now.switches - counters->begin.switches;
	tally->measured_instructions = now.measured_instructions && counters->begin.measured_instructions;
	tally->instructions = now.instructions - counters->begin.instructions;
	tally->grown_bytes = (int64_t)proc_bytes("/proc/self/status", "RssAnon") - counters->begin.grown_bytes;
	tally->pss_bytes = proc_bytes("/proc/self/smaps_rollup", "Pss");
	tally->descriptors = count_descriptors();
	tally->complete = frames > 0;
}
