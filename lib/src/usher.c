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

#define FIRST_LOOK_NS 20000 /* after a token was posted, and twice as long each time */
#define AT_ONCE_NS 1000000u /* a reader that is not back by then works on its frame */
#define IN_TIME_NS 2000000u /* a later look, on a loaded machine, does not tell how long it took */
#define AWAKE_NS 20000000u  /* how long to wait for a reader that gets no processor */
#define UNHURRIED_AFTER 8   /* so many times in a row, nobody was back at once */
#define WINDOW 32           /* frames over which the largest number of sleepers is kept */

struct usher {
	_Atomic uint32_t calls;     /* raised with each frame and at the end; the thread sleeps on it */
	_Atomic int in_turn;        /* how many readers to serve one by one; 0: all were served at once */
	_Atomic uint32_t unhurried; /* how often a reader took longer, since one was back at once */
	atomic_bool over;
	sem_t *semaphore;
	pthread_t thread;
	/* used by the thread only */
	uint32_t token; /* what a token adds to the semaphore's first word */
	/* used by the writer only */
	uint32_t windowed;
	int most_asleep[2]; /* at a frame, in this window and in the previous one */
};

static int least(int one, int other)
{
	return one < other ? one : other;
}

static bool was_called(const struct usher *usher, uint32_t call)
{
	return atomic_load(&usher->calls) != call;
}

/* Sleeps, twice as long each time up to a limit. */
static void look_later(long *pause_ns)
{
	const struct timespec pause = {.tv_nsec = *pause_ns};

	(void)nanosleep(&pause, NULL);
	if (*pause_ns < (long)AT_ONCE_NS / 2)
		*pause_ns *= 2;
}

/* Learns how soon readers are back, from a look passed_ns after a token was posted. */
static void learn(struct usher *usher, bool is_back, uint64_t passed_ns)
{
	const uint32_t unhurried = atomic_load_explicit(&usher->unhurried, memory_order_relaxed);

	if (is_back && passed_ns < IN_TIME_NS)
		atomic_store_explicit(&usher->unhurried, 0, memory_order_relaxed);
	else if (!is_back && unhurried < UNHURRIED_AFTER)
		atomic_store_explicit(&usher->unhurried, unhurried + 1, memory_order_relaxed);
}

/*
 * Posts one token, and waits until it is taken and the reader that took it either sleeps again, so that
 * asleep readers do, or works on its frame. Returns whether it sleeps. It does not wait for a reader that
 * gets no processor, nor for any reader once the next frame is there.
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

/* Serves each sleeping reader in turn; the kernel wakes the longest sleeper. Returns how many sleep again. */
static int serve_in_turn(struct usher *usher, uint32_t call, int asleep)
{
	int back = 0;

	for (int served = 0; served < asleep && !was_called(usher, call); served++)
		back += serve_one(usher, call, asleep);
	return back;
}

/*
 * Waits for readers that still work on an earlier frame and are about to be back: a token posted now for a
 * sleeping reader would be taken by one of them. Returns how many sleep in the end.
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

/* Serves living readers in turn. A reader that comes too late for its turn sleeps among those that had
 * theirs. */
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

/* Every reader got a token, and every sleeper was woken: a reader that sleeps now is back already. */
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
 * Killed readers are still counted in the ring, and tokens for them would wake others for nothing. So return
 * no more than were recently seen asleep at once, or one more if all readers take their time. If nobody is
 * ever seen asleep, nobody needs a token.
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
