/* SPDX-License-Identifier: Apache-2.0 */
#include "reader_any.h"

#include <errno.h>

#include "cancel.h"
#include "hot.h"
#include "log.h"
#include "mask.h"

#define MS 1000000u
#define LOOK_TOGETHER_NS (225u * MS) /* half of how often a ring is looked at, so that all meet */
#define POLL_LEAST_NS MS             /* however many rings there are to look at */
#define NEVER UINT64_MAX

/* The readers of a wait, and what they sleep on, as it was found by a look at each of them. */
struct crowd {
	struct reader *const *readers;
	uint32_t count;
	uint32_t first;        /* whom to look at first */
	struct reader *anyone; /* of them */
	uint64_t next_look_ns; /* the earliest of all */
	uint64_t poll_ns;      /* how long those may go unseen that have no word here; NEVER: all have one */
	uint64_t all_poll_ns;  /* how long all of them may, if the system can't wait for several words */
	uint32_t word_count;
	uint16_t owners[WAIT_WORDS_MAX]; /* whose word it is: the reader's index */
	struct wait_word words[WAIT_WORDS_MAX];
};

HOT static void lower(uint64_t *least, uint64_t value)
{
	if (value < *least)
		*least = value;
}

HOT static void add(struct crowd *crowd, struct reader *reader, uint32_t index, uint32_t signal)
{
	crowd->anyone = reader;
	lower(&crowd->next_look_ns, reader->next_look_ns);
	lower(&crowd->all_poll_ns, reader->poll_ns);
	if (reader->ring.extension == NULL || crowd->word_count == WAIT_WORDS_MAX) {
		lower(&crowd->poll_ns, reader->poll_ns);
		return;
	}
	crowd->owners[crowd->word_count] = (uint16_t)index;
	crowd->words[crowd->word_count++] = wait_word(&reader->ring.extension->signal, signal);
}

/* Looks at each reader once, from the first on. Returns as reader_find_any. */
HOT static int look_at_all(struct crowd *crowd, uint32_t *index)
{
	crowd->word_count = 0;
	crowd->next_look_ns = crowd->poll_ns = crowd->all_poll_ns = NEVER;
	for (uint32_t step = 0; step < crowd->count; step++) {
		const uint32_t left = crowd->count - crowd->first;
		const uint32_t at = step < left ? crowd->first + step : step - left;
		struct reader *reader = crowd->readers[at];
		struct ring_look look;
		uint32_t signal = 0;
		int result;

		if (reader == NULL)
			continue;
		result = reader_look(reader, &look, &signal);
		if (result == 0 && reader_has_news(reader))
			result = 1;
		if (result != 0) {
			*index = at;
			return result;
		}
		add(crowd, reader, at, signal);
	}
	return 0;
}

/* Looks around for all that are about due, with signals blocked, so that none is lost between two sleeps.
 * READER_LOOKED, or -1 with EINTR, but not to a caller who does not wait. */
COLD static int look_around(const struct crowd *crowd, uint64_t now_ns, uint64_t deadline_ns)
{
	const int cancel = cancel_defer();
	sigset_t before;
	bool came;

	mask_begin(&before);
	for (uint32_t at = 0; at < crowd->count; at++) {
		struct reader *reader = crowd->readers[at];

		if (reader != NULL && reader->next_look_ns <= now_ns + LOOK_TOGETHER_NS &&
			reader_look_around(reader, now_ns) != 0)
			reader->refusal = true;
	}
	came = mask_end(&before) && now_ns < deadline_ns;
	cancel_resume(cancel);
	log_deliver();
	errno = EINTR;
	return came ? -1 : READER_LOOKED;
}

/* Sleeps on the first word, for what its reader wants; on none of the rings if there is no word. */
HOT static int sleep_on_one(const struct crowd *crowd, uint64_t until_ns)
{
	const struct wait_word *word = &crowd->words[0];

	if (crowd->word_count == 0)
		return crowd->anyone->ops->wait(&crowd->anyone->interrupted, 0, until_ns, UINT32_MAX);
	return crowd->anyone->ops->wait((const _Atomic uint32_t *)(uintptr_t)word->address,
									(uint32_t)word->expected, until_ns,
									reader_wanted_bits(crowd->readers[crowd->owners[0]]));
}

/* Sleeps on all words. Whose word was woken is looked at first. */
HOT static int sleep_on_all(struct crowd *crowd, uint64_t until_ns)
{
	const int woken = crowd->anyone->ops->wait_any(crowd->words, crowd->word_count, until_ns);

	if (woken < 0)
		return -1;
	if ((uint32_t)woken < crowd->word_count) {
		crowd->first = crowd->owners[woken];
		hot_fetch(crowd->readers[crowd->first], READER_HOT_BYTES);
	}
	return 0;
}

HOT static uint64_t poll_end_ns(uint64_t now_ns, uint64_t poll_ns, uint64_t until_ns)
{
	if (poll_ns != NEVER)
		lower(&until_ns, now_ns + (poll_ns > POLL_LEAST_NS ? poll_ns : POLL_LEAST_NS));
	return until_ns;
}

/* Sleeps until something happens, or it is time to look again. 0, or -1 with EINTR. */
HOT static int sleep_until(struct crowd *crowd, uint64_t now_ns, uint64_t until_ns)
{
	uint64_t end_ns = poll_end_ns(now_ns, crowd->poll_ns, until_ns);
	int result;

	if (crowd->word_count <= 1)
		result = sleep_on_one(crowd, end_ns);
	else if ((result = sleep_on_all(crowd, end_ns)) != 0 && errno == ENOSYS) {
		end_ns = poll_end_ns(now_ns, crowd->all_poll_ns, until_ns);
		result = sleep_on_one(crowd, end_ns);
	}
	for (uint32_t at = 0; at < crowd->count && end_ns < until_ns; at++)
		if (crowd->readers[at] != NULL && crowd->readers[at]->poll_ns <= end_ns - now_ns)
			reader_poll_more_seldom(crowd->readers[at]);
	return result;
}

HOT int reader_seek_any(struct reader *const *readers, uint32_t count, uint64_t deadline_ns, uint32_t *index)
{
	struct crowd crowd;

	crowd.readers = readers;
	crowd.count = count;
	crowd.first = *index < count - 1 ? *index + 1 : 0;
	for (;;) {
		const int result = look_at_all(&crowd, index);
		uint64_t now_ns;

		if (result != 0)
			return result;
		now_ns = crowd.anyone->ops->now();
		if (now_ns >= crowd.next_look_ns)
			return look_around(&crowd, now_ns, deadline_ns);
		if (now_ns >= deadline_ns)
			return 0;
		if (sleep_until(&crowd, now_ns,
						deadline_ns < crowd.next_look_ns ? deadline_ns : crowd.next_look_ns) != 0)
			return -1;
	}
}
