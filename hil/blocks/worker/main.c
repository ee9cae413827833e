/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One block of the gate: a writer and its readers, all new processes, over one schedule. It prints what they
 * saw as JSON; the gate judges.
 *
 *   VSHM_LIBRARY=PATH block-worker CHANNEL READERS [-p] [-r] [-t] [-k FRAMES] [-s US] [-m BYTES] < SCHEDULE
 *
 * A line of the schedule is a frame: microseconds since the start, bytes, 1 for a keyframe.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "library.h"
#include "payload.h"
#include "print.h"
#include "real_time.h"
#include "sides.h"
#include "trace.h"

#define EXIT_USAGE 2
#define WATCHDOG_S 120u
#define FRAMES_MAX 1000000u
#define POLL_NS 200000u
#define CHILDREN_MAX (READERS_MAX + 2u)

static pid_t children[CHILDREN_MAX];
static unsigned child_count;

_Noreturn static void usage(void)
{
	fprintf(stderr,
			"usage: block-worker CHANNEL READERS [-p] [-r] [-t] [-k FRAMES] [-s US] [-m BYTES] < SCHEDULE\n"
			"  -p paced as scheduled, -r ahead of other programs where that is permitted, -t count system "
			"calls, -k kill the writer behind so many frames,\n"
			"  -s a reader's pause for each frame, -m bytes from one mark in the payload to the next\n");
	exit(EXIT_USAGE);
}

static uint32_t number(const char *text, uint32_t least, uint32_t most)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || value < least || value > most)
		usage();
	return (uint32_t)value;
}

static void read_arguments(struct plan *plan, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "prtk:s:m:")) != -1) {
		switch (option) {
		case 'p':
			plan->paced = true;
			break;
		case 'r':
			plan->real_time = true;
			break;
		case 't':
			plan->trace = true;
			break;
		case 'k':
			plan->kill_after = number(optarg, 1, FRAMES_MAX);
			break;
		case 's':
			plan->pause_us = number(optarg, 0, 1000000);
			break;
		case 'm':
			plan->stride = number(optarg, sizeof(uint64_t), VIDEO_SHM_MAX_FRAME_SIZE);
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 2)
		usage();
	plan->channel = (int)number(argv[optind], 0, INT32_MAX);
	plan->readers = number(argv[optind + 1], 0, READERS_MAX);
}

static void *share(size_t size)
{
	void *const memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		die("memory");
	return memory;
}

static void read_schedule(struct ledger *ledger)
{
	unsigned long long due_us;
	unsigned size, keyframe;
	size_t room = 1024;
	struct frame *frames = malloc(room * sizeof(*frames));

	while (frames != NULL && scanf("%llu %u %u", &due_us, &size, &keyframe) == 3) {
		if (size < PAYLOAD_MIN || size > VIDEO_SHM_MAX_FRAME_SIZE || ledger->plan.frames == FRAMES_MAX)
			usage();
		if (ledger->plan.frames == room)
			frames = realloc(frames, (room *= 2) * sizeof(*frames));
		if (frames != NULL)
			frames[ledger->plan.frames++] =
				(struct frame){.due_ns = due_us * 1000, .size = size, .keyframe = keyframe != 0};
	}
	if (frames == NULL)
		die("memory");
	if (!feof(stdin) || ledger->plan.frames <= SETTLING_FRAMES ||
		ledger->plan.kill_after >= ledger->plan.frames)
		usage();
	ledger->frames = share(ledger->plan.frames * sizeof(*frames));
	memcpy(ledger->frames, frames, ledger->plan.frames * sizeof(*frames));
	free(frames);
	ledger->awake_ns = share((ledger->plan.readers + 1u) * sizeof(uint64_t) * ledger->plan.frames);
}

static pid_t start(struct ledger *ledger, void (*work)(struct ledger *), unsigned reader)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid != 0)
		return children[child_count++] = pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (ledger->plan.trace && !trace_me())
		ledger->plan.trace = false; /* shared memory: no process reports it then */
	if (work != NULL)
		work(ledger);
	else
		side_read(ledger, reader);
	_exit(0);
}

static struct tally *tally_of(struct ledger *ledger, pid_t pid)
{
	unsigned child = 0;

	while (child < child_count && children[child] != pid)
		child++;
	/* The writer comes first, the next writer after the readers; its calls are not counted. */
	return child == 0 || child > ledger->plan.readers ? &ledger->writer : &ledger->readers[child - 1];
}

/* Ends the block if a child failed: its message is on stderr. */
static void reap(struct ledger *ledger, bool block)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, (block ? 0 : WNOHANG) | __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			trace_go_on(pid, status, tally_of(ledger, pid));
			continue;
		}
		if (WIFSIGNALED(status) && pid == children[0] && ledger->plan.kill_after != 0 &&
			ledger->death_ns != 0) {
			atomic_store(&ledger->follow, true);
			continue;
		}
		if (status != 0) {
			fprintf(stderr, "block worker: a process ended with %s %d\n",
					WIFSIGNALED(status) ? "signal" : "code",
					WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
			exit(1);
		}
	}
}

static void await_ready(struct ledger *ledger, uint32_t count)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};

	while (atomic_load(&ledger->ready) < count) {
		reap(ledger, false);
		(void)nanosleep(&pause, NULL);
	}
}

static void run(struct ledger *ledger)
{
	uint32_t expected = 1;

	ledger->plan.real_time = ledger->plan.real_time && real_time_begin();
	(void)start(ledger, side_write, 0);
	await_ready(ledger, expected);
	for (unsigned reader = 0; reader < ledger->plan.readers; reader++, expected++)
		(void)start(ledger, NULL, reader);
	if (ledger->plan.kill_after != 0) {
		(void)start(ledger, side_follow, 0);
		expected++;
	}
	await_ready(ledger, expected);
	ledger->begin_ns = now_ns();
	atomic_store(&ledger->going, true);
	reap(ledger, true);
	if (errno != ECHILD)
		die("waiting for the processes");
}

int main(int argc, char **argv)
{
	struct ledger *const ledger = share(sizeof(*ledger));

	ledger->plan.stride = 4096;
	read_arguments(&ledger->plan, argc, argv);
	read_schedule(ledger);
	(void)alarm(WATCHDOG_S); /* children die with their parent */
	run(ledger);
	print_block(ledger);
	return 0;
}
