/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer that dies at its k-th store to shared memory or its k-th system call, for every k there is. Before
 * it, readers of every kind have joined; after it comes the next writer, and whatever the library promises is
 * held against what all of them see.
 */
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "crash_scenarios.h"
#include "crash_story.h"
#include "crash_witness.h"
#include "processes.h"

#define WRITE_POINTS 24 /* no write has more */

struct victim {
	const struct scenario *scenario;
	const struct place *place;
	uint32_t k;
	int ready, go; /* pipes */
};

/* Goes on as a child of the process that opened the ring, which ends. */
static void fork_and_leave(void)
{
	if (fork() > 0)
		_exit(0);
	(void)prctl(PR_SET_PDEATHSIG, 0);
	(void)alarm(60);
}

static void victim(void *argument)
{
	const struct victim *self = argument;
	const struct scenario *scenario = self->scenario;
	video_shm_producer_t producer;
	pid_t pid;
	char word;

	if (!scenario->opens) {
		CHECK_EQ(scenario_open(scenario, self->place, false, &producer), 0);
		for (int frame = 0; frame < STORY_SLOTS + 2; frame++)
			CHECK_EQ(story_write(&producer, WHO_PREDECESSOR, frame % 3 == 0), 0);
	}
	if (scenario->inherits)
		fork_and_leave();
	pid = getpid();
	CHECK(write(self->ready, &pid, sizeof(pid)) == (ssize_t)sizeof(pid));
	CHECK(read(self->go, &word, 1) == 1);
	story_arm(self->k);
	if (scenario->opens)
		CHECK_EQ(scenario_open(scenario, self->place, true, &producer), 0);
	scenario->act(&producer, self->place);
	_exit(0);
}

/* Somebody who takes the ring's name while its writer lives. */
static void usurp(const struct scenario *scenario, const struct place *place, video_shm_producer_t *usurper)
{
	CHECK_EQ(shm_unlink(place->name), 0);
	CHECK_EQ(scenario_open(scenario, place, true, usurper), 0);
}

/* Runs one life and death. Returns false if there is no k-th point. earlier: where the predecessor died. */
static bool die_once(struct witness *witness, uint32_t k, uint32_t earlier, video_shm_producer_t *next)
{
	const struct scenario *scenario = witness->scenario;
	int ready[2], go[2], status;
	struct victim self = {scenario, &witness->place, k, -1, -1};
	char word = 'g';
	pid_t pid, started;

	story_begin();
	if (scenario->before != NULL)
		scenario->before(scenario, &witness->place, earlier);
	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	self.ready = ready[1];
	self.go = go[0];
	started = start_child(victim, &self);
	(void)close(ready[1]);
	CHECK(read(ready[0], &pid, sizeof(pid)) == (ssize_t)sizeof(pid));
	if (pid != started)
		child_succeeds(started);
	witness_join(witness);
	if (scenario->usurped)
		usurp(scenario, &witness->place, next);
	CHECK(write(go[1], &word, 1) == 1);
	status = await_child(pid);
	(void)close(ready[0]);
	(void)close(go[0]);
	(void)close(go[1]);
	CHECK(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
	return WIFSIGNALED(status);
}

/* Every crash after a predecessor who died at that point of his write, or else at another one each time. */
static void crashes_after(struct witness *witness, uint32_t earlier)
{
	uint32_t k = 0;
	bool died;

	do {
		video_shm_producer_t next = {{0}};

		k++;
		died = die_once(witness, k, earlier != 0 ? earlier : 1 + k % WRITE_POINTS, &next);
		witness_crash(witness);
		if (!witness->scenario->usurped)
			witness_successor(witness, &next);
		witness_frames(witness, &next);
		witness_end(witness, &next);
		goes_on();
	} while (died);
	printf("%u crash points\n", k - 1);
	(void)fflush(stdout);
	if (k - 1 < witness->scenario->least) /* one that went missing is a crash that is never tried */
		check_failed(__FILE__, __LINE__, "all crash points are there", "%u, not %u", k - 1,
					 witness->scenario->least);
}

static void every_crash(const struct scenario *scenario)
{
	static struct witness witness;
	const bool pairs = scenario->before != NULL && (!scenario->v1 || long_form());
	char channel[40];

	witness = (struct witness){.scenario = scenario, .place = {.channel = -1}};
	if (scenario->v1) {
		witness.place.channel = fresh_channel();
		(void)snprintf(channel, sizeof(channel), VIDEO_SHM_NAME "_ch%d", witness.place.channel);
	}
	witness.place.name = scenario->v1 ? channel : fresh_name();
	if (!story_own_shm())
		fprintf(stderr, "as root this test would also see what is left behind under any other name\n");
	for (uint32_t earlier = pairs; earlier <= (pairs ? WRITE_POINTS : 0); earlier++)
		crashes_after(&witness, earlier);
}

static void a_crash_while_making_a_ring(void)
{
	every_crash(&scenario_fresh);
}

static void a_crash_while_making_a_v1_ring(void)
{
	every_crash(&scenario_fresh_v1);
}

static void a_crash_while_taking_a_ring_over(void)
{
	every_crash(&scenario_in_place);
}

static void a_crash_while_taking_a_v1_ring_over(void)
{
	every_crash(&scenario_in_place_v1);
}

static void a_crash_while_replacing_a_ring_of_another_geometry(void)
{
	every_crash(&scenario_other_geometry);
}

static void a_crash_while_replacing_a_v1_writers_ring(void)
{
	every_crash(&scenario_after_v1);
}

static void a_crash_while_making_a_nameless_ring_anew(void)
{
	every_crash(&scenario_remake);
}

static void a_crash_while_making_a_nameless_v1_ring_anew(void)
{
	every_crash(&scenario_remake_v1);
}

static void a_crash_while_closing_a_ring_whose_name_was_taken(void)
{
	every_crash(&scenario_stale);
}

static void a_crash_while_writing(void)
{
	every_crash(&scenario_write);
}

static void a_crash_while_writing_for_v1_readers(void)
{
	every_crash(&scenario_write_v1);
}

static void a_crash_between_reserve_and_commit(void)
{
	every_crash(&scenario_commit_v1);
}

static void a_crash_between_reserve_and_abort(void)
{
	every_crash(&scenario_abort);
}

static void a_crash_while_dropping_frames(void)
{
	every_crash(&scenario_drops_v1);
}

static void a_crash_while_destroying(void)
{
	every_crash(&scenario_destroy);
}

static void a_crash_while_destroying_a_v1_ring(void)
{
	every_crash(&scenario_destroy_v1);
}

static void a_crash_while_destroying_with_a_reservation_out(void)
{
	every_crash(&scenario_destroy_reserved);
}

static void inherit(const struct scenario *scenario)
{
	if (is_emulated())
		skip_test("an emulator can't tell how an orphan ended");
	adopt_orphans();
	every_crash(scenario);
}

static void a_crash_while_going_on_as_a_daemon(void)
{
	inherit(&scenario_inherit);
}

static void a_crash_while_going_on_as_a_daemon_with_a_v1_ring(void)
{
	inherit(&scenario_inherit_v1);
}

TEST_MAIN(pick(150, 900), TEST(a_crash_while_making_a_ring), TEST(a_crash_while_making_a_v1_ring),
		  TEST(a_crash_while_taking_a_ring_over), TEST(a_crash_while_taking_a_v1_ring_over),
		  TEST(a_crash_while_replacing_a_ring_of_another_geometry),
		  TEST(a_crash_while_replacing_a_v1_writers_ring), TEST(a_crash_while_making_a_nameless_ring_anew),
		  TEST(a_crash_while_making_a_nameless_v1_ring_anew),
		  TEST(a_crash_while_closing_a_ring_whose_name_was_taken), TEST(a_crash_while_writing),
		  TEST(a_crash_while_writing_for_v1_readers), TEST(a_crash_between_reserve_and_commit),
		  TEST(a_crash_between_reserve_and_abort), TEST(a_crash_while_dropping_frames),
		  TEST(a_crash_while_destroying), TEST(a_crash_while_destroying_a_v1_ring),
		  TEST(a_crash_while_destroying_with_a_reservation_out), TEST(a_crash_while_going_on_as_a_daemon),
		  TEST(a_crash_while_going_on_as_a_daemon_with_a_v1_ring))
