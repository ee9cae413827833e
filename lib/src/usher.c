/* SPDX-License-Identifier: Apache-2.0 */
#include "usher.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "hot.h"
#include "slices.h"
#include "tokens.h"
#include "wait.h"

#define FIRST_LOOK_NS 20000 /* after a token was given, and twice as long each time */
#define AT_ONCE_NS 1000000u /* a reader that is not back by then does something with its frame */
#define IN_TIME_NS 2000000u /* a later look, as on a loaded machine, does not tell how long it took */
#define AWAKE_NS 20000000u  /* a reader that has no processor by then is not waited for */
#define UNHURRIED_AFTER 8   /* times that somebody was not back at once, and nobody was */
#define WINDOW 32           /* frames for which the most sleepers are remembered */

struct usher {
	_Atomic uint32_t calls;     /* up by one with each frame, and at the end: what the thread sleeps on */
	_Atomic int in_turn;        /* how many are served one by one; 0: all were together */
	_Atomic uint32_t unhurried; /* times that somebody took longer, since last somebody was back at once */
	atomic_bool over;
	sem_t *semaphore;
	pthread_t thread;
	/* the thread's own */
	uint32_t token; /* what one more adds to the semaphore's first word */
	/* the writer's own */
	uint32_t windowed;
	int most_asleep[2]; /* at a frame, in this window and in the one before */
};

static int least(int one, int other)
{
	return one < other ? one : other;
}

static bool was_called(const struct usher *usher, uint32_t call)
{
	return atomic_load(&usher->calls) != call;
}

/* Each pause is longer than the one before, up to a bound. */
static void look_later(long *pause_ns)
{
	const struct timespec pause = {.tv_nsec = *pause_ns};

	(void)nanosleep(&pause, NULL);
	if (*pause_ns < (long)AT_ONCE_NS / 2)
		*pause_ns *= 2;
}

/* What a look says, so long after a token was given, of how soon readers are back. */
static void learn(struct usher *usher, bool is_back, uint64_t passed_ns)
{
	const uint32_t unhurried = atomic_load_explicit(&usher->unhurried, memory_order_relaxed);

	if (is_back && passed_ns < IN_TIME_NS)
		atomic_store_explicit(&usher->unhurried, 0, memory_order_relaxed);
	else if (!is_back && unhurried < UNHURRIED_AFTER)
		atomic_store_explicit(&usher->unhurried, unhurried + 1, memory_order_relaxed);
}

/*
 * Gives one token, and waits until it is taken, and who took it sleeps again, so that asleep do, or does
 * something else. Whether it sleeps. A reader that gets no processor is not waited for, nor is anybody once
 * the next frame is there.
 */
static bool serve_one(struct usher *usher, uint32_t call, int asleep)
{
	const int tokens = tokens_count(usher->semaphore);
	const uint64_t given_ns = wait_system.now();
	uint64_t taken_ns = 0, now_ns;
	long pause_ns = FIRST_LOOK_NS;

	tokens_give(usher->semaphore, 1);
	do {
		look_later(&pause_ns);
		now_ns = wait_system.now();
		if (tokens_count(usher->semaphore) <= tokens) {
			if (tokens_count_asleep(usher->semaphore) >= asleep) {
				learn(usher, true, now_ns - given_ns);
				return true;
			}
			taken_ns = taken_ns != 0 ? taken_ns : now_ns;
		}
		if (taken_ns != 0 && now_ns - taken_ns >= AT_ONCE_NS) {
			learn(usher, false, 0);
			return false;
		}
	} while (!was_called(usher, call) && now_ns - given_ns < AWAKE_NS);
	return false;
}

/* The kernel wakes who has slept longest. How many sleep again. */
static int serve_in_turn(struct usher *usher, uint32_t call, int asleep)
{
	int back = 0;

	for (int served = 0; served < asleep && !was_called(usher, call); served++)
		back += serve_one(usher, call, asleep);
	return back;
}

/*
 * Those who do something with an earlier frame when this one comes, and are about to be back. Handed out now,
 * a token that is meant for a sleeper would be theirs. How many sleep in the end.
 */
static int await_late(struct usher *usher, uint32_t call, int all)
{
	const uint64_t begin_ns = wait_system.now();
	uint64_t passed_ns = 0;
	long pause_ns = FIRST_LOOK_NS;
	int asleep = tokens_count_asleep(usher->semaphore);

	while (asleep < all && passed_ns < AT_ONCE_NS && !was_called(usher, call)) {
		look_later(&pause_ns);
		passed_ns = wait_system.now() - begin_ns;
		asleep = tokens_count_asleep(usher->semaphore);
	}
	return asleep;
}

/* living: how many there are. Who came too late for a turn sleeps among those who had theirs. */
static void serve_all_in_turn(struct usher *usher, uint32_t call, int living)
{
	const int asleep = least(tokens_count_asleep(usher->semaphore), living);
	const int back = serve_in_turn(usher, call, asleep);
	int late = living - asleep, asleep_now;

	if (late > 0) {
		asleep_now = await_late(usher, call, back + late);
		if (asleep_now > back) {
			(void)serve_in_turn(usher, call, asleep_now);
			late -= asleep_now - back;
		}
	}
	if (!was_called(usher, call))
		tokens_lay_down(usher->semaphore, usher->token, late);
}

/* All were given a token, and all sleepers woken: whoever sleeps now is back already. */
static void watch(struct usher *usher, uint32_t call)
{
	const uint64_t given_ns = wait_system.now();
	uint64_t passed_ns = 0;

	for (long pause_ns = FIRST_LOOK_NS; passed_ns < AT_ONCE_NS && !was_called(usher, call);) {
		look_later(&pause_ns);
		passed_ns = wait_system.now() - given_ns;
		if (tokens_count_asleep(usher->semaphore) > 0) {
			learn(usher, true, passed_ns);
			return;
		}
	}
}

/*
 * Readers that were killed are still counted in, and tokens for them would be empty wake-ups for the others:
 * so there are no more than have been seen asleep at once lately, or one more where all take their time.
 * Where nobody is ever seen asleep, nobody lacks one.
 */
static int count_living(struct usher *usher, int readers, int asleep, bool unhurried)
{
	int most;

	if (usher->windowed++ % WINDOW == 0) {
		usher->most_asleep[1] = usher->most_asleep[0];
		usher->most_asleep[0] = 0;
	}
	if (usher->most_asleep[0] < asleep)
		usher->most_asleep[0] = asleep;
	most = usher->most_asleep[usher->most_asleep[0] < usher->most_asleep[1]];
	if (most == 0)
		return readers;
	most += unhurried && most == asleep;
	return least(most, readers);
}

HOT void usher_call(struct usher *usher, uint32_t readers)
{
	const int asleep = tokens_count_asleep(usher->semaphore);
	const bool unhurried = atomic_load_explicit(&usher->unhurried, memory_order_relaxed) >= UNHURRIED_AFTER;
	const int living = count_living(usher, (int)readers, asleep, unhurried);
	const bool together = asleep == 0 || unhurried;

	if (together)
		tokens_give(usher->semaphore, living - tokens_count(usher->semaphore));
	atomic_store_explicit(&usher->in_turn, together ? 0 : living, memory_order_relaxed);
	(void)atomic_fetch_add(&usher->calls, 1);
	wait_system.wake(&usher->calls, UINT32_MAX);
}

static void serve(struct usher *usher, uint32_t call)
{
	const int in_turn = atomic_load_explicit(&usher->in_turn, memory_order_relaxed);

	if (in_turn > 0)
		serve_all_in_turn(usher, call, in_turn);
	else
		watch(usher, call);
}

static void *usher_main(void *argument)
{
	struct usher *usher = argument;
	uint32_t served = 0;

	slices_ask_for_short();
	usher->token = tokens_value();
	while (!atomic_load(&usher->over)) {
		const uint32_t call = atomic_load(&usher->calls);

		if (call == served) {
			(void)wait_system.wait(&usher->calls, call, WAIT_FOREVER, UINT32_MAX);
			continue;
		}
		served = call;
		serve(usher, call);
	}
	return NULL;
}

COLD struct usher *usher_start(sem_t *semaphore)
{
	struct usher *usher = calloc(1, sizeof(*usher));
	sigset_t all, before;
	int error;

	if (usher == NULL)
		return NULL;
	usher->semaphore = semaphore;
	(void)sigfillset(&all); /* the program's handlers run in the program's threads */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&usher->thread, NULL, usher_main, usher);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		return usher;
	free(usher);
	return NULL;
}

void usher_end(struct usher *usher)
{
	if (usher == NULL)
		return;
	atomic_store(&usher->over, true);
	(void)atomic_fetch_add(&usher->calls, 1);
	wait_system.wake(&usher->calls, UINT32_MAX);
	(void)pthread_join(usher->thread, NULL);
	free(usher);
}

void usher_forget(struct usher *usher)
{
	free(usher);
}
