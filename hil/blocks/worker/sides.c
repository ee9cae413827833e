/* SPDX-License-Identifier: Apache-2.0 */
#include "sides.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "library.h"
#include "payload.h"

#define POLL_NS 100000u
#define WAIT_MS 200u
#define WIDTH 1280
#define HEIGHT 720
#define FPS 30

static void pause_ns(uint64_t ns)
{
	const struct timespec time = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	(void)nanosleep(&time, NULL);
}

static void await(const _Atomic bool *flag)
{
	while (!atomic_load(flag))
		pause_ns(POLL_NS);
}

static uint8_t *buffer(void)
{
	uint8_t *const data = malloc(VIDEO_SHM_MAX_FRAME_SIZE);

	if (data == NULL)
		die("memory");
	memset(data, 1, VIDEO_SHM_MAX_FRAME_SIZE);
	return data;
}

/* ---- the writer ---- */

/* Waits for a frame's time. After a stall of the host, the missed time is not caught up by a burst. */
static void sleep_until(uint64_t *begin_ns, uint64_t due_ns)
{
	const uint64_t until_ns = *begin_ns + due_ns, current_ns = now_ns();
	const struct timespec time = {.tv_sec = (time_t)(until_ns / NS_PER_S),
								  .tv_nsec = (long)(until_ns % NS_PER_S)};

	if (until_ns < current_ns)
		*begin_ns += current_ns - until_ns;
	else
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void write_one(const struct library *library, video_shm_producer_t *producer, struct frame *frame,
					  uint8_t *data, uint64_t number, uint32_t stride)
{
	const video_frame_meta_t meta = {.is_keyframe = (uint8_t)frame->keyframe,
									 .codec = VIDEO_SHM_CODEC_H264,
									 .width = WIDTH,
									 .height = HEIGHT,
									 .fps = FPS};

	payload_fill(data, frame->size, stride, number);
	frame->entered_ns = now_ns();
	frame->result = library->producer_write(producer, data, frame->size, &meta);
	frame->left_ns = now_ns();
	if (frame->result < 0)
		die("write");
}

static void open_writer(struct ledger *ledger, const struct library *library, union producer_handle *producer)
{
	memset(producer, 0, sizeof(*producer));
	if (library->producer_init_channel(&producer->handle, ledger->plan.channel) != 0)
		die("a writer can't start");
}

static void write_frames(struct ledger *ledger, const struct library *library,
						 union producer_handle *producer, uint32_t from)
{
	const struct plan *const plan = &ledger->plan;
	uint8_t *const data = buffer();
	struct counters counters;
	/* The next writer starts at once, so that its readers wait only for the library. */
	uint64_t begin_ns = from == 0 ? ledger->begin_ns : now_ns() - ledger->frames[from].due_ns;

	counters_open(&counters);
	for (uint32_t number = from; number < plan->frames; number++) {
		if (number == from + SETTLING_FRAMES)
			counters_begin(&counters, &ledger->writer);
		if (plan->paced)
			sleep_until(&begin_ns, ledger->frames[number].due_ns);
		write_one(library, &producer->handle, &ledger->frames[number], data, number, plan->stride);
		if (plan->kill_after != 0 && number + 1 == plan->kill_after) {
			ledger->death_ns = now_ns();
			(void)kill(getpid(), SIGKILL);
		}
	}
	if (plan->frames > from + SETTLING_FRAMES)
		counters_end(&counters, &ledger->writer, plan->frames - from - SETTLING_FRAMES);
}

/* Reads the counts as the last reader would see them, with a reader that the writer opens at its end. */
static uint64_t count_dropped(const struct ledger *ledger, const struct library *library)
{
	union consumer_handle *const consumer = calloc(1, sizeof(*consumer));
	uint32_t dropped = 0;

	if (consumer == NULL || library->consumer_init_channel(&consumer->handle, ledger->plan.channel) != 0 ||
		library->consumer_stats(&consumer->handle, NULL, &dropped, NULL) != 0)
		die("the writer's own figures");
	library->consumer_destroy(&consumer->handle);
	free(consumer);
	return dropped;
}

static void finish(struct ledger *ledger, const struct library *library, union producer_handle *producer)
{
	ledger->dropped = count_dropped(ledger, library);
	atomic_store(&ledger->finished, true);
	library->producer_destroy(&producer->handle);
}

void side_write(struct ledger *ledger)
{
	static union producer_handle producer;
	struct library library;

	library_load(&library);
	open_writer(ledger, &library, &producer);
	(void)atomic_fetch_add(&ledger->ready, 1);
	await(&ledger->going);
	write_frames(ledger, &library, &producer, 0);
	finish(ledger, &library, &producer);
}

void side_follow(struct ledger *ledger)
{
	static union producer_handle producer;
	struct library library;

	library_load(&library);
	(void)atomic_fetch_add(&ledger->ready, 1);
	await(&ledger->follow);
	open_writer(ledger, &library, &producer);
	write_frames(ledger, &library, &producer, ledger->plan.kill_after);
	finish(ledger, &library, &producer);
}

/* ---- a reader ---- */

static bool is_as_written(const struct frame *frame, uint64_t number, uint32_t size,
						  const video_frame_meta_t *meta)
{
	return size == frame->size && meta->size == size && meta->sequence == (uint32_t)number &&
		   meta->is_keyframe == frame->keyframe && meta->codec == VIDEO_SHM_CODEC_H264 &&
		   meta->width == WIDTH && meta->height == HEIGHT && meta->fps == FPS;
}

/* Counts a frame. Returns its number, or UINT64_MAX if that can't be right. */
static uint64_t book(struct ledger *ledger, unsigned reader, const uint8_t *data, uint32_t size,
					 const video_frame_meta_t *meta, uint64_t awake_ns, uint64_t *next)
{
	struct tally *const tally = &ledger->readers[reader];
	uint64_t number;

	tally->received++;
	if (size < PAYLOAD_MIN || !payload_is_whole(data, size, ledger->plan.stride, &number) ||
		number >= ledger->plan.frames) {
		tally->torn++;
		return UINT64_MAX;
	}
	if (!is_as_written(&ledger->frames[number], number, size, meta))
		tally->altered++;
	if (number + 1 == *next)
		tally->repeated++;
	else if (number < *next)
		tally->reordered++;
	else
		ledger_awake(ledger, reader)[number] = awake_ns;
	*next = number + 1;
	return number;
}

static void read_frames(struct ledger *ledger, unsigned reader, const struct library *library,
						video_shm_consumer_t *consumer)
{
	struct tally *const tally = &ledger->readers[reader];
	uint8_t *const data = buffer();
	struct counters counters;
	uint64_t next = 0, counted = 0;
	bool begun = false;

	counters_open(&counters);
	for (;;) {
		video_frame_meta_t meta;
		/* Read before the wait, so that no frame can come after it. */
		const bool finished = atomic_load(&ledger->finished);
		const int size = library->consumer_wait(consumer, data, &meta, finished ? 1 : WAIT_MS);
		const uint64_t awake_ns = now_ns();

		if (size > 0) {
			const uint64_t number = book(ledger, reader, data, (uint32_t)size, &meta, awake_ns, &next);

			counted += begun;
			if (!begun && number >= SETTLING_FRAMES - 1 && number != UINT64_MAX) {
				counters_begin(&counters, tally);
				begun = true;
			}
			if (begun && number + 1 == ledger->plan.frames)
				counters_end(&counters, tally, counted);
			if (ledger->plan.pause_us != 0)
				pause_ns(ledger->plan.pause_us * UINT64_C(1000));
		} else if (finished) {
			break;
		} else if (size < 0 && errno != EPIPE && errno != EOWNERDEAD && errno != EINTR) {
			die("wait");
		}
	}
}

void side_read(struct ledger *ledger, unsigned reader)
{
	static union consumer_handle consumer;
	struct library library;
	uint32_t missed = 0;

	library_load(&library);
	memset(&consumer, 0, sizeof(consumer));
	if (library.consumer_init_channel(&consumer.handle, ledger->plan.channel) != 0)
		die("a reader can't join");
	(void)atomic_fetch_add(&ledger->ready, 1);
	read_frames(ledger, reader, &library, &consumer.handle);
	if (library.consumer_stats(&consumer.handle, NULL, NULL, &missed) != 0)
		die("a reader's own figures");
	ledger->readers[reader].missed = missed;
	library.consumer_destroy(&consumer.handle);
}
