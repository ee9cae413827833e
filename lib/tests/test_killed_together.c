/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writer and readers, killed in turn at random points under load: those who live are served on, every frame
 * is accounted for, and nothing is left behind.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channels.h"
#include "mortals.h"
#include "processes.h"

#define READERS MORTALS_READERS
#define WRITER READERS        /* its place among the processes */
#define HUNG_NS 120000000000u /* a machine may be slow, but not that slow */
#define TOLD_EVERY 16         /* deaths of the writer: the next one is only started when all readers know */
#define REPORT_NS 60000000000u

static pid_t processes[READERS + 1];
static const size_t indexes[READERS] = {0, 1, 2, 3, 4};
static const enum mortal_variant plain = MORTAL_PLAIN;
static uint64_t longest_ns; /* until all were served again */

/* Nobody ends by himself, as one does whose books are wrong. */
static void all_must_live(void)
{
	siginfo_t ended;

	for (size_t at = 0; at <= WRITER; at++) {
		ended.si_pid = 0;
		if (processes[at] == 0)
			continue;
		CHECK_EQ(waitid(P_PID, (id_t)processes[at], &ended, WEXITED | WNOHANG | WNOWAIT), 0);
		if (ended.si_pid != 0)
			check_failed(__FILE__, __LINE__, "all live until they are killed", "%s %zu ended by itself",
						 at == WRITER ? "writer" : "reader", at);
	}
}

/* Waits until word is at least least. A process that makes this wait for long hangs. */
static void await_live(_Atomic uint32_t *word, uint32_t least, const char *what, size_t who)
{
	const uint64_t begin = now_ns();

	while (atomic_load(word) < least) {
		all_must_live();
		sleep_ms(1);
		if (now_ns() - begin > HUNG_NS)
			check_failed(__FILE__, __LINE__, "nobody hangs", "%s %zu", what, who);
	}
}

static void start(size_t who)
{
	if (who != WRITER) {
		const uint32_t joined = atomic_load(&mortals->joined);

		processes[who] = start_child(mortals_read, (void *)(uintptr_t)&indexes[who]);
		await_live(&mortals->joined, joined + 1, "joining reader", who);
		return;
	}
	atomic_store(&mortals->up, 0);
	processes[who] = start_child(mortals_write, (void *)(uintptr_t)&plain);
}

static void kill_one(size_t who)
{
	const pid_t pid = processes[who];
	int status;

	all_must_live();
	processes[who] = 0;
	(void)kill(pid, SIGKILL);
	status = await_child(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Every reader that lives gets a frame that it had not. */
static void all_are_served(void)
{
	const uint64_t begin = now_ns();
	uint32_t before[READERS];

	await_live(&mortals->up, 1, "writer", 0);
	for (size_t at = 0; at < READERS; at++)
		before[at] = atomic_load(&mortals->received[at]);
	for (size_t at = 0; at < READERS; at++)
		await_live(&mortals->received[at], before[at] + 1, "reader", at);
	if (now_ns() - begin > longest_ns)
		longest_ns = now_ns() - begin;
}

static void all_are_told(uint64_t killed_ns)
{
	for (size_t at = 0; at < READERS; at++) {
		while (atomic_load(&mortals->known_ns[at]) < killed_ns) {
			all_must_live();
			sleep_ms(1);
			if (now_ns() - killed_ns > HUNG_NS)
				check_failed(__FILE__, __LINE__, "every reader is told of a death", "reader %zu", at);
		}
	}
}

/* Returns the number of the channel's objects: its ring and its two semaphores, whoever was killed. */
static unsigned count_objects(int channel)
{
	DIR *directory = opendir("/dev/shm");
	const struct dirent *entry;
	char suffix[24];
	unsigned count = 0;

	(void)snprintf(suffix, sizeof(suffix), "_ch%d", channel);
	CHECK(directory != NULL);
	while ((entry = readdir(directory)) != NULL)
		count += strstr(entry->d_name, suffix) != NULL;
	(void)closedir(directory);
	return count;
}

static void one_death(uint32_t *random, unsigned kills[2])
{
	const uint32_t chosen = next_random(random);
	const size_t who = chosen % 2 == 0 ? WRITER : chosen / 2 % READERS;
	uint64_t killed_ns;

	(void)usleep(next_random(random) % 20000);
	killed_ns = now_ns();
	kill_one(who);
	if (who == WRITER && ++kills[0] % TOLD_EVERY == 0)
		all_are_told(killed_ns);
	kills[1] += who != WRITER;
	start(who);
	if (who == WRITER && chosen / 2 % 4 == 0) { /* on its way up */
		(void)usleep(next_random(random) % 3000);
		kill_one(WRITER);
		kills[0]++;
		start(WRITER);
	}
	all_are_served();
}

static void report(const unsigned kills[2], uint64_t began_ns)
{
	unsigned long long received = 0, lost = 0, audited = 0;

	for (size_t at = 0; at < READERS; at++) {
		received += atomic_load(&mortals->received[at]);
		lost += atomic_load(&mortals->lost[at]);
		audited += atomic_load(&mortals->audited[at]);
	}
	printf("{\"seconds\": %llu, \"killed_writers\": %u, \"killed_readers\": %u, \"written\": %llu, "
		   "\"received\": %llu, "
		   "\"audited\": %llu, \"oldest\": %u, \"missed_or_skipped\": %llu, \"longest_until_served_ms\": "
		   "%llu}\n",
		   (unsigned long long)((now_ns() - began_ns) / 1000000000), kills[0], kills[1],
		   (unsigned long long)atomic_load(&mortals->done), received, audited, atomic_load(&mortals->oldest),
		   lost, (unsigned long long)(longest_ns / 1000000));
	(void)fflush(stdout);
}

static void all_leave(int channel)
{
	atomic_store(&mortals->over, 1);
	for (size_t at = 0; at <= WRITER; at++)
		child_succeeds(processes[WRITER - at]);
	CHECK_EQ(count_objects(channel), 0);
	CHECK(atomic_load(&mortals->oldest) > 0); /* that what is lapped was seen at all */
}

static unsigned wanted_kills(void)
{
	const char *text = getenv("VIDEO_SHM_KILLS");

	return text != NULL ? (unsigned)strtoul(text, NULL, 10) : pick(60, 1000);
}

static void writers_and_readers_killed_anywhere_leave_the_others_served(void)
{
	const unsigned wanted = wanted_kills();
	const int channel = fresh_channel();
	const uint64_t began_ns = now_ns();
	uint64_t reported_ns = began_ns;
	unsigned kills[2] = {0, 0}; /* of writers, of readers */
	uint32_t random = 17;

	mortals = share(sizeof(*mortals));
	mortals_ring = channel_ring(channel);
	start(WRITER);
	for (size_t at = 0; at < READERS; at++)
		start(at);
	all_are_served();
	while (kills[0] + kills[1] < wanted) {
		one_death(&random, kills);
		CHECK_EQ(count_objects(channel), 3);
		if (now_ns() - reported_ns > REPORT_NS) {
			reported_ns = now_ns();
			report(kills, began_ns);
		}
	}
	all_leave(channel);
	report(kills, began_ns);
}

TEST_MAIN(3500, TEST(writers_and_readers_killed_anywhere_leave_the_others_served))
