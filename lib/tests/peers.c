/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORST_STALL_NS 10000000u /* a third of a frame at 30 fps */
#define OTHERS_SHARE 0.2

const char *channel_ring(int channel)
{
	static char name[64];

	(void)snprintf(name, sizeof(name), VIDEO_SHM_NAME "_ch%d", channel);
	return name;
}

void open_channel_producer(video_shm_producer_t *producer, int channel)
{
	CHECK_EQ(video_shm_producer_init_channel(producer, channel), 0);
}

void open_channel_consumer(video_shm_consumer_t *consumer, int channel)
{
	CHECK_EQ(video_shm_consumer_init_channel(consumer, channel), 0);
}

/* ---- bytes ---- */

void poke(const char *name, uint64_t offset, const void *bytes, size_t size)
{
	const int fd = open(shm_path(name), O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
	(void)close(fd);
}

void poke32(const char *name, uint64_t offset, uint32_t value)
{
	poke(name, offset, &value, sizeof(value));
}

void poke64(const char *name, uint64_t offset, uint64_t value)
{
	poke(name, offset, &value, sizeof(value));
}

uint32_t peek32(const char *name, uint64_t offset)
{
	const int fd = open(shm_path(name), O_RDONLY | O_CLOEXEC);
	uint32_t value = 0;

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &value, sizeof(value), (off_t)offset), (ssize_t)sizeof(value));
	(void)close(fd);
	return value;
}

void make_object(const char *name, uint64_t size)
{
	const int fd = open(shm_path(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	(void)close(fd);
}

/* ---- processes ---- */

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

void await_count(_Atomic uint32_t *counter, uint32_t value)
{
	while (atomic_load(counter) < value)
		sleep_ms(1);
}

static bool is_mapped(pid_t pid, const char *name)
{
	char path[64], line[512];
	bool found = false;
	FILE *maps;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	CHECK(maps != NULL);
	while (!found && fgets(line, sizeof(line), maps) != NULL)
		found = strstr(line, name) != NULL;
	(void)fclose(maps);
	return found;
}

void await_mapped(pid_t pid, const char *name)
{
	while (!is_mapped(pid, name))
		sleep_ms(5);
}

static bool is_handled(pid_t pid, int signal)
{
	unsigned long long caught = 0;
	char path[64], line[128];
	FILE *status;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	CHECK(status != NULL);
	while (fgets(line, sizeof(line), status) != NULL && sscanf(line, "SigCgt: %llx", &caught) != 1) {
	}
	(void)fclose(status);
	return (caught >> (signal - 1) & 1) != 0;
}

void await_handler(pid_t pid, int signal)
{
	while (!is_handled(pid, signal))
		sleep_ms(5);
}

void become(uid_t user, gid_t group, gid_t extra)
{
	CHECK_EQ(setgroups(1, &extra), 0);
	CHECK_EQ(setgid(group), 0);
	CHECK_EQ(setuid(user), 0);
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0); /* which a change of user takes back */
}

void needs_root(void)
{
	if (geteuid() != 0)
		skip_test("needs other users and mounts: run it as root");
}

/* ---- the host ---- */

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

/* What all processors have done so far, and what a hypervisor took from them. */
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

/* Real-time where permitted: what the test itself does on the processors is no stall of the host. */
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

bool host_was_fit(const struct host_watch *watch)
{
	return watch->worst_stall_ns <= WORST_STALL_NS && watch->others_share <= OTHERS_SHARE;
}
