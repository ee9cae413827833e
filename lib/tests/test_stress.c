/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads on one mapping, so that ThreadSanitizer sees both sides of every race: the ring and the cursor
 * themselves, without the handles, whose mappings it takes for different memory.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "check.h"
#include "cursor.h"
#include "frames.h"
#include "shared.h"

#define SLOTS 6
#define SLOT_SIZE 1024
#define READERS 6
#define KEY_EVERY 3
#define SHARE 50 /* frames that each reader gets, however late it comes to run */

struct table {
	struct ring ring;
	uint64_t frames;         /* to be written at least; then all that were */
	_Atomic uint32_t hungry; /* readers that have not had their share */
	_Atomic bool over;
};

struct seat {
	struct table *table;
	pthread_t thread;
	struct cursor cursor;
	bool borrows;
	uint64_t first;
	uint64_t received;
	uint64_t torn;
};

static uint32_t size_of(uint64_t frame)
{
	return 1 + (uint32_t)(frame * 131) % SLOT_SIZE;
}

static void *write_all(void *argument)
{
	struct table *table = argument;
	const uint64_t least = table->frames;
	struct ring_counts counts = {0};
	uint8_t data[SLOT_SIZE];

	while (counts.frames < least || atomic_load(&table->hungry) > 0) {
		const uint64_t frame = counts.frames;
		const video_frame_meta_t meta = {.size = size_of(frame), .is_keyframe = frame % KEY_EVERY == 0};
		const struct ring_stamp stamp = {.capture_ns = frame, .publish_ns = ~frame};

		fill_pattern(data, meta.size, frame);
		shared_copy_in(ring_begin(&table->ring, &counts), data, meta.size);
		if (frame % 11 == 5) { /* given back, and begun again */
			ring_cancel(&table->ring, &counts);
			shared_copy_in(ring_begin(&table->ring, &counts), data, meta.size);
		}
		ring_publish(&table->ring, &counts, &meta, &stamp);
		ring_signal(&table->ring);
		if (frame % 16 == 0)
			(void)sched_yield();
		if (frame > least) /* someone could not keep up: let him */
			sleep_ms(1);
	}
	table->frames = counts.frames;
	atomic_store(&table->over, true);
	return NULL;
}

/* Reads the slot as one who holds a view does: where it lies, in parts, slowly. */
static void borrow(uint8_t *data, const struct ring_look *look)
{
	const uint32_t half = look->meta.size / 2 & ~7u;

	shared_copy_out(data, look->data, half);
	(void)sched_yield();
	shared_copy_out(data + half, look->data + half, look->meta.size - half);
}

static void take_one(struct seat *seat, const struct ring_look *look, uint64_t *last)
{
	uint8_t data[SLOT_SIZE];
	bool whole;

	CHECK(look->meta.size <= SLOT_SIZE); /* before anything is believed, the size is within the slot */
	if (seat->borrows)
		borrow(data, look);
	else
		shared_copy_out(data, look->data, look->meta.size);
	whole = ring_still_whole(&seat->table->ring, look);
	cursor_take(&seat->cursor, look, whole);
	if (!whole) {
		seat->torn++;
		return;
	}
	CHECK_EQ(look->meta.size, size_of(look->frame));
	CHECK_EQ(look->meta.sequence, (uint32_t)look->frame);
	CHECK(look->capture_ns == look->frame && look->publish_ns == ~look->frame);
	CHECK(has_pattern(data, look->meta.size, look->frame));
	CHECK_EQ(look->keyframes, look->frame / KEY_EVERY + 1);
	CHECK(seat->received == 0 || look->frame > *last);
	*last = look->frame;
	if (++seat->received == SHARE)
		(void)atomic_fetch_sub(&seat->table->hungry, 1);
}

static void *read_all(void *argument)
{
	struct seat *seat = argument;
	struct ring_look look;
	uint64_t last = 0;
	bool over;

	cursor_place(&seat->cursor, &seat->table->ring, VIDEO_SHM_START_OLDEST);
	seat->first = seat->cursor.next;
	do {
		over = atomic_load(&seat->table->over); /* looked at first, so that the last frame is not left out */
		while (cursor_find(&seat->cursor, &seat->table->ring, &look))
			take_one(seat, &look, &last);
		(void)sched_yield();
	} while (!over);
	return NULL;
}

static void check_books(const struct seat *seat)
{
	const struct cursor *cursor = &seat->cursor;

	CHECK_EQ(cursor->received, seat->received);
	CHECK_EQ(cursor->received + cursor->missed + cursor->skipped, cursor->span);
	if (cursor->policy != VIDEO_SHM_POLICY_KEYFRAMES) /* what it lost last may be unclear to that one */
		CHECK_EQ(cursor->span, seat->table->frames - seat->first);
	CHECK(cursor->received >= SHARE);
	CHECK(cursor->policy != VIDEO_SHM_POLICY_EVERY || cursor->skipped == 0);
}

static void readers_beside_a_writer_never_take_a_torn_frame_for_whole(void)
{
	struct table table = {.frames = pick(50000, 3000000), .hungry = READERS};
	struct seat seats[READERS];
	struct geometry geometry;
	uint64_t torn = 0, received = 0;
	pthread_t writer;
	void *base;

	CHECK_EQ(geometry_plan(&geometry, SLOTS, SLOT_SIZE, VIDEO_SHM_MEDIA_VIDEO), 0);
	base =
		mmap(NULL, (size_t)geometry.object_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(base != MAP_FAILED);
	ring_place(&table.ring, base, &geometry);
	ring_format(&table.ring, &(struct ring_counts){0});
	for (int at = 0; at < READERS; at++) {
		seats[at] = (struct seat){.table = &table, .borrows = at >= READERS / 2};
		seats[at].cursor.policy = (uint32_t)at % 3;
		CHECK_EQ(pthread_create(&seats[at].thread, NULL, read_all, &seats[at]), 0);
	}
	CHECK_EQ(pthread_create(&writer, NULL, write_all, &table), 0);
	CHECK_EQ(pthread_join(writer, NULL), 0);
	for (int at = 0; at < READERS; at++) {
		CHECK_EQ(pthread_join(seats[at].thread, NULL), 0);
		check_books(&seats[at]);
		torn += seats[at].torn;
		received += seats[at].received;
	}
	printf("%llu frames handed out, %llu lapped while being read\n", (unsigned long long)received,
		   (unsigned long long)torn);
	(void)fflush(stdout);
}

TEST_MAIN(100, TEST(readers_beside_a_writer_never_take_a_torn_frame_for_whole))
