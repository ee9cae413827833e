/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that are stopped while the writer runs on: nothing torn, nothing twice, every frame accounted for.
 */
#include "check.h"
#include "frames.h"
#include "processes.h"

#include <signal.h>

#define SLOTS 8
#define SLOT_BYTES (64 * 1024)
#define FRAME_EVERY_NS 1000000u /* 3 s stopped is 3000 frames: 375 times round the ring */
#define KEYFRAME_EVERY 20
#define LEDGER_FRAMES 100000

struct reader_kind {
	const char *name;
	uint32_t policy;
	uint32_t resync;
	bool view; /* acquire and release instead of a copy */
};

static const struct reader_kind kinds[] = {
	{"every", VIDEO_SHM_POLICY_EVERY, 0, false},
	{"every, resync", VIDEO_SHM_POLICY_EVERY, 1, false},
	{"newest", VIDEO_SHM_POLICY_NEWEST, 0, false},
	{"newest, resync", VIDEO_SHM_POLICY_NEWEST, 1, false},
	{"keyframes", VIDEO_SHM_POLICY_KEYFRAMES, 0, false},
	{"every, in place", VIDEO_SHM_POLICY_EVERY, 0, true},
	{"every, resync, in place", VIDEO_SHM_POLICY_EVERY, 1, true},
	{"newest, in place", VIDEO_SHM_POLICY_NEWEST, 0, true},
	{"newest, resync, in place", VIDEO_SHM_POLICY_NEWEST, 1, true},
	{"keyframes, in place", VIDEO_SHM_POLICY_KEYFRAMES, 0, true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What was written, kept beside the ring: the library is not its own witness. */
static struct {
	_Atomic uint32_t ready;
	_Atomic uint32_t written;
	_Atomic uint32_t stop;
	uint8_t is_keyframe[LEDGER_FRAMES];
} * ledger;

static const char *ring_name;

/* What one reader saw, by its own count. */
struct account {
	uint64_t first;
	uint64_t next;
	uint64_t received;
	uint64_t torn; /* of those in place: release said so */
	bool gap;
};

static void open_small(video_shm_producer_t *producer)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = SLOTS, .slot_size = SLOT_BYTES, .name = ring_name};

	CHECK_EQ(video_shm_producer_open(producer, &options), 0);
}

static void write_next(video_shm_producer_t *producer, uint32_t size)
{
	const uint32_t frame = atomic_load(&ledger->written);

	CHECK(frame < LEDGER_FRAMES);
	ledger->is_keyframe[frame] = frame % KEYFRAME_EVERY == 7;
	CHECK_EQ(write_pattern(producer, frame, size, ledger->is_keyframe[frame] != 0), 0);
	atomic_store(&ledger->written, frame + 1);
}

static void write_until_told(void *unused)
{
	video_shm_producer_t producer;
	uint32_t random = 1;
	uint64_t next_ns = now_ns();

	(void)unused;
	open_small(&producer);
	await_least(&ledger->ready, KINDS);
	while (atomic_load(&ledger->stop) == 0) {
		write_next(&producer, 1 + next_random(&random) % SLOT_BYTES);
		next_ns += FRAME_EVERY_NS;
		sleep_until_ns(next_ns);
	}
	video_shm_producer_destroy(&producer);
}

/* A whole frame was handed out: is it the right one? */
static void enter_frame(struct account *account, const struct reader_kind *kind, const uint8_t *data,
						const video_frame_meta_t *meta)
{
	const uint64_t frame = meta->sequence;

	CHECK(frame >= account->next); /* a repeat */
	CHECK(has_pattern(data, meta->size, frame));
	CHECK_EQ(meta->is_keyframe, ledger->is_keyframe[frame]);
	if (kind->policy == VIDEO_SHM_POLICY_KEYFRAMES)
		CHECK(meta->is_keyframe);
	/* A decoder that is fed from elsewhere, or on after a gap, shows rubbish until the next keyframe. */
	if (kind->resync && (account->received == 0 || frame != account->next))
		CHECK(meta->is_keyframe);
	account->gap = account->gap || frame != account->next;
	account->received++;
	account->next = frame + 1;
}

/* Takes one frame. Returns -1 if there is none. What was read of a view that was lapped is not looked at. */
static int take_one(video_shm_consumer_t *consumer, struct account *account, const struct reader_kind *kind)
{
	static uint8_t data[SLOT_BYTES], scratch[SLOT_BYTES];
	video_frame_meta_t meta;
	video_shm_view_t view = {.struct_size = sizeof(view)};
	int result;

	if (!kind->view) {
		result = video_shm_consumer_receive(consumer, data, sizeof(data), &meta, 0);
		if (result > 0)
			enter_frame(account, kind, data, &meta);
		return result;
	}
	result = video_shm_consumer_acquire(consumer, &view, 0);
	if (result < 0)
		return result;
	CHECK(view.meta.size <= SLOT_BYTES);
	memcpy(scratch, view.data, view.meta.size);
	if (video_shm_consumer_release(consumer, &view) == 0)
		enter_frame(account, kind, scratch, &view.meta);
	else
		account->torn++;
	return result;
}

static void settle(video_shm_consumer_t *consumer, const struct account *account,
				   const struct reader_kind *kind)
{
	const video_shm_info_t info = info_of(consumer);
	const uint64_t written = atomic_load(&ledger->written), lived = written - account->first;
	uint64_t keyframes = 0;

	for (uint64_t frame = account->first; frame < written; frame++)
		keyframes += ledger->is_keyframe[frame];
	CHECK(account->gap);
	CHECK_EQ(info.next_frame, written);
	CHECK_EQ(info.span, lived);
	CHECK_EQ(info.received, account->received);
	CHECK_EQ(info.received + info.missed + info.skipped, lived);
	if (kind->policy == VIDEO_SHM_POLICY_EVERY && !kind->resync)
		CHECK_EQ(info.missed, lived - account->received);
	if (kind->policy == VIDEO_SHM_POLICY_EVERY)
		CHECK(info.missed > 0);
	if (kind->policy == VIDEO_SHM_POLICY_NEWEST && kind->view && !kind->resync)
		CHECK_EQ(info.missed, account->torn);
	if (kind->policy == VIDEO_SHM_POLICY_KEYFRAMES) {
		CHECK_EQ(info.missed, keyframes - account->received);
		CHECK_EQ(info.skipped, lived - keyframes);
	}
}

static void read_until_closed(void *argument)
{
	const struct reader_kind *kind = argument;
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .policy = kind->policy, .resync = kind->resync, .name = ring_name};
	video_shm_consumer_t consumer;
	struct account account = {0};

	join_ring(&consumer, &options);
	account.first = account.next = info_of(&consumer).next_frame;
	(void)atomic_fetch_add(&ledger->ready, 1);
	while (take_one(&consumer, &account, kind) > 0) {
	}
	CHECK_EQ(errno, EPIPE); /* and no EINTR: no handler of ours ran */
	settle(&consumer, &account, kind);
	video_shm_consumer_destroy(&consumer);
}

static void signal_all(const pid_t *readers, int number)
{
	for (size_t at = 0; at < KINDS; at++)
		CHECK_EQ(kill(readers[at], number), 0);
}

static void stopped_readers_of_every_kind_account_for_every_frame(void)
{
	pid_t readers[KINDS], writer;

	ledger = share(sizeof(*ledger));
	ring_name = fresh_name();
	writer = start_child(write_until_told, NULL);
	for (size_t at = 0; at < KINDS; at++) {
		struct reader_kind kind = kinds[at];

		readers[at] = start_child(read_until_closed, &kind);
	}
	await_least(&ledger->written, 100);
	signal_all(readers, SIGSTOP);
	sleep_ms(3000);
	signal_all(readers, SIGCONT);
	/* And often, briefly: in the middle of a copy, of a look, of falling asleep. */
	for (unsigned stop = 0; stop < pick(60, 600); stop++) {
		sleep_ms(3);
		signal_all(readers, SIGSTOP);
		sleep_ms(12);
		signal_all(readers, SIGCONT);
	}
	atomic_store(&ledger->stop, 1);
	child_succeeds(writer);
	for (size_t at = 0; at < KINDS; at++)
		child_succeeds(readers[at]);
}

TEST_MAIN(100, TEST(stopped_readers_of_every_kind_account_for_every_frame))
