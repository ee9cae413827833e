/* SPDX-License-Identifier: Apache-2.0 */
/* wait_any.c: the kernel's sleep on several words at once. */
#include <pthread.h>
#include <signal.h>

#include "check.h"
#include "signals.h"
#include "wait.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define WORDS 16u

static _Atomic uint32_t values[WORDS];
static struct wait_word words[WORDS];

static void lay_out(void)
{
	for (uint32_t which = 0; which < WORDS; which++)
		words[which] = wait_word(&values[which], 0);
	if (wait_system.wait_any(words, WORDS, 1) < 0)
		skip_test("this kernel can't wait for several words: it is older than 5.16, or an emulator");
}

static void *wake_the_tenth(void *unused)
{
	(void)unused;
	sleep_ms(50);
	wait_system.wake(&values[10], 1);
	return NULL;
}

static void the_word_that_was_woken_is_told(void)
{
	pthread_t thread;

	lay_out();
	CHECK_EQ(pthread_create(&thread, NULL, wake_the_tenth, NULL), 0);
	CHECK_EQ(wait_system.wait_any(words, WORDS, wait_system.now() + 20 * SECOND), 10);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* Between a look at the rings and falling asleep a frame may come. */
static void a_word_that_has_changed_lets_nobody_sleep(void)
{
	lay_out();
	atomic_store(&values[15], 1);
	CHECK_EQ(wait_system.wait_any(words, WORDS, WAIT_FOREVER), WORDS);
}

static void a_sleep_lasts_until_its_deadline(void)
{
	static const uint64_t lengths[] = {1, MS, 50 * MS, 300 * MS};

	lay_out();
	for (size_t at = 0; at < 4; at++) {
		const uint64_t deadline = wait_system.now() + lengths[at];

		CHECK_EQ(wait_system.wait_any(words, WORDS, deadline), WORDS);
		CHECK(wait_system.now() >= deadline);
	}
}

static void do_nothing(int number)
{
	(void)number;
}

static void a_signal_ends_a_sleep(void)
{
	lay_out();
	on_signal(SIGUSR1, do_nothing, 0);
	const timer_t timer = start_timer(SIGUSR1, 50000, 50000);

	CHECK_FAILS(wait_system.wait_any(words, WORDS, WAIT_FOREVER), EINTR);
	stop_timer(timer);
}

/* Behind such a handler the kernel goes on with the call, which then ends at its deadline as if nothing had
 * been. */
static void a_handler_that_restarts_calls_is_told_at_the_deadline(void)
{
	lay_out();
	on_signal(SIGUSR1, do_nothing, SA_RESTART);
	const timer_t timer = start_timer(SIGUSR1, 50000, 0);

	CHECK_FAILS(wait_system.wait_any(words, WORDS, wait_system.now() + 300 * MS), EINTR);
	stop_timer(timer);
}

static void more_words_than_the_kernel_takes_are_refused(void)
{
	static struct wait_word many[WAIT_WORDS_MAX + 1];

	lay_out();
	for (uint32_t which = 0; which <= WAIT_WORDS_MAX; which++)
		many[which] = wait_word(&values[0], 0);
	CHECK_EQ(wait_system.wait_any(many, WAIT_WORDS_MAX, wait_system.now() + MS), WAIT_WORDS_MAX);
	CHECK_FAILS(wait_system.wait_any(many, WAIT_WORDS_MAX + 1, wait_system.now() + MS), ENOSYS);
}

TEST_MAIN(100, TEST(the_word_that_was_woken_is_told), TEST(a_word_that_has_changed_lets_nobody_sleep),
		  TEST(a_sleep_lasts_until_its_deadline), TEST(a_signal_ends_a_sleep),
		  TEST(a_handler_that_restarts_calls_is_told_at_the_deadline),
		  TEST(more_words_than_the_kernel_takes_are_refused))
