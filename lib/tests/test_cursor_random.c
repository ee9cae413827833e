/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cursor.c against a model that knows of every frame what it was: random sequences of writing, reading, laps
 * in the middle of a copy, restarts and frames that a crash has emptied, under every policy.
 */
#include "check.h"
#include "cursor.h"
#include "plain_ring.h"

#define SLOTS 8u
#define OPERATIONS 10000
#define MAX_FRAMES (OPERATIONS * 3 * SLOTS)

enum kind { DELTA, KEY, PICTURE, HOLE }; /* PICTURE: JPEG, a keyframe that does not say so */

struct model {
	uint64_t first; /* number of kinds[0] */
	uint64_t frames;
	uint64_t next, received, missed, skipped;
	uint32_t policy, torn;
	bool resync, awaiting;
};

static enum kind kinds[MAX_FRAMES];
static struct plain_ring plain;
static struct cursor cursor;
static struct model model;
static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % below;
}

static enum kind kind_of(uint64_t frame)
{
	return kinds[frame - model.first];
}

static void write_frame(void)
{
	const enum kind kind = draw(5) == 0 ? KEY : draw(20) == 0 ? PICTURE : DELTA;

	kinds[model.frames++ - model.first] = kind;
	plain_publish(&plain, kind == KEY, kind == PICTURE ? VIDEO_SHM_CODEC_JPEG : VIDEO_SHM_CODEC_H264);
}

/* A writer that died left frames counted that nobody can read. */
static void write_hole(void)
{
	(void)ring_begin(&plain.ring, &plain.counts);
	ring_cancel(&plain.ring, &plain.counts);
	kinds[model.frames++ - model.first] = HOLE;
	plain.ring.extension->frames = ++plain.counts.frames;
}

/* ---- what a reader is to expect ---- */

static bool is_keyframe(uint64_t frame)
{
	return kind_of(frame) == KEY || kind_of(frame) == PICTURE;
}

static void model_loses(uint64_t frame)
{
	const bool unwanted = model.policy == VIDEO_SHM_POLICY_NEWEST ||
						  (model.policy == VIDEO_SHM_POLICY_KEYFRAMES && !is_keyframe(frame));

	model.missed += !unwanted;
	model.skipped += unwanted;
	model.awaiting =
		model.awaiting || (model.resync && (model.policy != VIDEO_SHM_POLICY_KEYFRAMES || !unwanted));
}

/* Returns whether the ring holds that frame. The slot that the writer takes next is whole until then. */
static bool is_in_ring(uint64_t frame)
{
	for (uint64_t later = frame + 1; later < model.frames; later++)
		if ((uint32_t)later % SLOTS == (uint32_t)frame % SLOTS)
			return false;
	return kind_of(frame) != HOLE;
}

static bool model_wants(uint64_t frame)
{
	return is_keyframe(frame) || (model.policy != VIDEO_SHM_POLICY_KEYFRAMES && !model.awaiting);
}

/* Returns the frame that comes next, or model.frames if there is none. */
static uint64_t model_finds(void)
{
	uint64_t oldest = model.frames - model.first > SLOTS ? model.frames - SLOTS : model.first;

	if (model.next == model.frames)
		return model.frames;
	if (model.torn > 0) /* keeps away from the end, at which the writer was faster: 2, 4, 8 ... frames */
		oldest = model.torn < 3 && model.frames - oldest > (1u << model.torn) ? oldest + (1u << model.torn)
																			  : model.frames - 1;
	while (model.next < oldest)
		model_loses(model.next++);
	if (model.policy == VIDEO_SHM_POLICY_NEWEST && !model.awaiting && model.next < model.frames - 1) {
		model.awaiting = model.resync;
		while (!model.awaiting && model.next < model.frames - 1) {
			model.next++;
			model.skipped++;
		}
	}
	for (; model.next < model.frames; model.next++) {
		if (!is_in_ring(model.next))
			model_loses(model.next);
		else if (model_wants(model.next))
			return model.next;
		else
			model.skipped++;
	}
	return model.frames;
}

static void model_takes(bool whole)
{
	model.next++;
	model.received += whole;
	model.missed += !whole;
	model.torn = whole ? 0 : model.torn + 1;
	model.awaiting = whole ? false : model.awaiting || model.resync;
}

/* ---- the comparison ---- */

static void compare(void)
{
	CHECK_EQ(cursor.received + cursor.missed + cursor.skipped, cursor.span);
	CHECK_EQ(cursor.span + cursor.unclear, cursor.next - model.first);
	CHECK_EQ(cursor.received, model.received);
	CHECK_EQ(cursor.next, model.next);
	if (cursor.unclear > 0) /* the next whole frame will tell what they were */
		return;
	CHECK_EQ(cursor.missed, model.missed);
	CHECK_EQ(cursor.skipped, model.skipped);
}

static void read_frame(void)
{
	const struct cursor before = cursor;
	const uint64_t expected = model_finds();
	struct ring_look look;
	bool whole;

	CHECK_EQ(cursor_find(&cursor, &plain.ring, &look), expected < model.frames);
	compare();
	if (expected < model.frames &&
		draw(6) > 0) { /* or the caller's buffer was too small, and he comes again */
		CHECK_EQ(look.frame, expected);
		CHECK_EQ(cursor.unclear, 0);
		if (draw(6) == 0)
			for (uint32_t more = draw(2 * SLOTS); more > 0; more--)
				write_frame();
		whole = is_in_ring(expected);
		CHECK_EQ(ring_still_whole(&plain.ring, &look), whole);
		CHECK(!whole || plain_holds(&plain, expected));
		cursor_take(&cursor, &look, whole);
		model_takes(whole);
		compare();
	}
	CHECK(cursor.next >= before.next && cursor.received >= before.received);
	CHECK(cursor.missed >= before.missed && cursor.skipped >= before.skipped && cursor.span >= before.span);
}

static void operate(void)
{
	const uint32_t what = draw(100);

	if (what < 40)
		write_frame();
	else if (what < 45)
		for (uint32_t more = draw(2 * SLOTS + 4); more > 0; more--)
			write_frame();
	else if (what < 47)
		write_hole();
	else if (what < 49) {
		cursor_break(&cursor);
		model.awaiting = model.awaiting || model.resync;
	} else
		read_frame();
}

static void run(uint64_t first, uint32_t policy, bool resync, uint64_t seed)
{
	random_state = seed;
	plain_make(&plain, SLOTS, first);
	model = (struct model){
		.first = first, .frames = first, .policy = policy, .resync = resync, .awaiting = resync};
	write_frame(); /* a ring that begins elsewhere than at 0 tells of earlier keyframes by its first frame */
	cursor = (struct cursor){.policy = policy, .resync = resync};
	model.next = first;
	cursor_place(&cursor, &plain.ring, VIDEO_SHM_START_OLDEST);
	for (int operation = 0; operation < OPERATIONS; operation++)
		operate();
	read_frame();
	CHECK(model.received > OPERATIONS / 50 && model.missed > 0);
	CHECK(policy == VIDEO_SHM_POLICY_EVERY || model.skipped > 0);
}

static void run_seeds(uint32_t policy, bool resync)
{
	const unsigned seeds = pick(8, 200);

	for (unsigned seed = 1; seed <= seeds; seed++) {
		run(0, policy, resync, seed);
		run((UINT64_C(1) << 32) - 1000, policy, resync, seed);
	}
}

static void a_reader_of_every_frame_agrees_with_the_model(void)
{
	run_seeds(VIDEO_SHM_POLICY_EVERY, false);
}

static void a_resyncing_reader_of_every_frame_agrees_with_the_model(void)
{
	run_seeds(VIDEO_SHM_POLICY_EVERY, true);
}

static void a_reader_of_the_newest_agrees_with_the_model(void)
{
	run_seeds(VIDEO_SHM_POLICY_NEWEST, false);
}

static void a_resyncing_reader_of_the_newest_agrees_with_the_model(void)
{
	run_seeds(VIDEO_SHM_POLICY_NEWEST, true);
}

static void a_reader_of_keyframes_agrees_with_the_model(void)
{
	run_seeds(VIDEO_SHM_POLICY_KEYFRAMES, false);
}

static void a_resyncing_reader_of_keyframes_agrees_with_the_model(void)
{
	run_seeds(VIDEO_SHM_POLICY_KEYFRAMES, true);
}

TEST_MAIN(100, TEST(a_reader_of_every_frame_agrees_with_the_model),
		  TEST(a_resyncing_reader_of_every_frame_agrees_with_the_model),
		  TEST(a_reader_of_the_newest_agrees_with_the_model),
		  TEST(a_resyncing_reader_of_the_newest_agrees_with_the_model),
		  TEST(a_reader_of_keyframes_agrees_with_the_model),
		  TEST(a_resyncing_reader_of_keyframes_agrees_with_the_model))
