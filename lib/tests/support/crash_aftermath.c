/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "crash_story.h"
#include "crash_witness.h"
#include "frames.h"

#define MORE_FRAMES (STORY_SLOTS + 3) /* all slots are written anew */

static uint64_t current_inode(const struct witness *witness)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(video_shm_inspect(witness->place.name, &info), 0);
	CHECK_EQ(info.state, VIDEO_SHM_STATE_LIVE);
	CHECK_EQ(info.writer_pid, (uint32_t)getpid());
	return info.inode;
}

/* Numbers go on where they were, and what the dead one left half done is mended and counted. */
static void check_takeover(struct witness *witness, const video_shm_producer_t *next)
{
	static video_shm_slot_t slots[VIDEO_SHM_RING_SIZE];
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(video_shm_producer_info((video_shm_producer_t *)(uintptr_t)next, &info), 0);
	witness->in_place = witness->joined && info.inode == witness->before.inode;
	if (!witness->there) {
		CHECK_EQ(info.frames, 0);
	} else {
		CHECK(info.frames >= story->committed && info.frames <= story->begun);
		CHECK(info.epoch > witness->seen.epoch);
	}
	if (witness->scenario->v1) {
		const bool same = witness->there && info.inode == witness->seen.inode;

		CHECK_EQ(witness_semaphore(witness), 1);
		CHECK_EQ(info.rearmed, (same ? witness->seen.rearmed : 0) + witness->taken);
	}
	slots[0].struct_size = sizeof(slots[0]);
	CHECK_EQ(video_shm_inspect_slots(witness->place.name, slots, VIDEO_SHM_RING_SIZE), info.slots);
	for (uint32_t at = 0; at < info.slots; at++) /* one that died uncounted would be handed out as ours */
		CHECK(!slots[at].whole || slots[at].frame < info.frames);
}

/* Version 1 readers see the count that all others see. */
static void check_v1_count(const struct witness *witness, uint64_t frames)
{
	const int fd = shm_open(witness->place.name, O_RDONLY, 0);
	struct v1_head {
		uint32_t magic, version, write_idx, read_idx, frame_count;
	} head;

	CHECK(fd >= 0 && pread(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head));
	CHECK_EQ(head.frame_count, (uint32_t)frames);
	CHECK_EQ(head.write_idx, (uint32_t)frames);
	CHECK_EQ(close(fd), 0);
}

static void join_anew(struct witness *witness)
{
	const video_shm_consumer_options_t oldest = {
		.struct_size = sizeof(oldest), .start = VIDEO_SHM_START_OLDEST, .name = witness->place.name};
	const video_shm_consumer_options_t keyframe = {.struct_size = sizeof(keyframe),
												   .start = VIDEO_SHM_START_KEYFRAME,
												   .policy = VIDEO_SHM_POLICY_KEYFRAMES,
												   .reconnect = 1,
												   .name = witness->place.name};

	watcher_open(&witness->new[0], &oldest, true);
	watcher_open(&witness->new[1], &keyframe, false);
	for (int at = 0; at < NEW_ALL; at++) {
		watcher_settle(&witness->new[at]);
		CHECK_EQ(witness->new[at].dead + witness->new[at].closed, 0);
	}
	if (witness->scenario->v1)
		CHECK_EQ(v1_reader_init(&witness->v1_new, witness->place.channel), 0);
}

void witness_successor(struct witness *witness, video_shm_producer_t *next)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(scenario_open(witness->scenario, &witness->place, witness->scenario->other, next), 0);
	check_takeover(witness, next);
	CHECK_EQ(video_shm_producer_info(next, &info), 0);
	check_v1_count(witness, info.frames);
}

/* ---- frames ---- */

static void gets(struct watcher *watcher, uint64_t frame, bool keyframe)
{
	watcher_drain(watcher);
	if (keyframe || watcher->options.policy != VIDEO_SHM_POLICY_KEYFRAMES)
		CHECK(watcher->any && watcher->last == frame);
}

static void v1_gets(struct v1_reader *reader, uint64_t frame)
{
	static uint8_t data[V1_CAPACITY];
	struct v1_meta meta;
	int size = 0;

	/* One token may still lie there from before. */
	for (int attempt = 0; attempt < 2 && size == 0; attempt++)
		size = v1_reader_wait(reader, data, &meta, 1000);
	CHECK(size > 0);
	CHECK_EQ(meta.sequence, frame);
	CHECK_EQ(size, story_size(frame, meta.width));
	CHECK(has_pattern(data, (uint32_t)size, story_pattern(frame, meta.width)));
}

/* Old readers have found the one who writes now, as far as they look for one. */
static void check_followers(struct witness *witness)
{
	const uint64_t inode = current_inode(witness);

	for (int at = 0; witness->joined && at < OLD_ACTIVE; at++) {
		struct watcher *watcher = &witness->old[at];
		const uint32_t dead = watcher->dead;

		watcher_settle(watcher);
		CHECK_EQ(watcher->dead, dead);
		if (watcher->options.reconnect || witness->in_place)
			CHECK_EQ(info_of(&watcher->consumer).inode, inode);
		else
			CHECK_EQ(watcher->closed, 1);
		witness->old_closed[at] = watcher->closed;
	}
}

static void all_get(struct witness *witness, uint64_t frame, bool keyframe)
{
	for (int at = 0; witness->joined && at < OLD_ACTIVE; at++)
		if (witness->old[at].options.reconnect || witness->in_place)
			gets(&witness->old[at], frame, keyframe);
	for (int at = 0; at < NEW_ALL; at++)
		gets(&witness->new[at], frame, keyframe);
	if (!witness->scenario->v1)
		return;
	if (witness->in_place)
		v1_gets(&witness->v1_old, frame);
	v1_gets(&witness->v1_new, frame);
	CHECK_EQ(witness_semaphore(witness), 1);
}

void witness_frames(struct witness *witness, video_shm_producer_t *next)
{
	check_followers(witness);
	join_anew(witness);
	for (uint32_t count = 0; count < MORE_FRAMES; count++) {
		const bool keyframe = count % 3 == 0;

		CHECK_EQ(story_write(next, WHO_SUCCESSOR, keyframe), 0);
		all_get(witness, story->committed - 1, keyframe);
		if (count == 0 && witness->joined) /* a decoder must know that this does not follow */
			CHECK(witness->old[OLD_EVERY].last_flags & VIDEO_SHM_FLAG_DISCONTINUITY);
	}
}

/* ---- the end ---- */

static void leave_all(struct witness *witness)
{
	for (int at = 0; witness->joined && at < OLD_ALL; at++) {
		struct watcher *watcher = &witness->old[at];

		if (at == OLD_HOLDER)
			watcher_let_go(watcher);
		watcher_settle(watcher);
		if (at < OLD_ACTIVE && watcher->options.reconnect)
			CHECK_EQ(watcher->closed, witness->old_closed[at] + 1);
		CHECK(watcher->dead + watcher->closed > 0); /* also who slept through it all */
		watcher_close(watcher);
	}
	for (int at = 0; at < NEW_ALL; at++) {
		watcher_settle(&witness->new[at]);
		CHECK_EQ(witness->new[at].closed, 1);
		watcher_close(&witness->new[at]);
	}
}

void witness_end(struct witness *witness, video_shm_producer_t *next)
{
	video_shm_producer_destroy(next);
	leave_all(witness);
	if (witness->scenario->v1) {
		CHECK(witness->v1_old.empty <= 1 && witness->v1_new.empty <= 1);
		v1_reader_destroy(&witness->v1_old);
		v1_reader_destroy(&witness->v1_new);
	}
	if (witness->joined)
		CHECK_EQ(close(witness->fd), 0);
	CHECK(!shm_exists(witness->place.name));
	CHECK(story_shm_is_clean(witness->place.name, false));
}
