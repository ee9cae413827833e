/* SPDX-License-Identifier: Apache-2.0 */
#include "crash_witness.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "crash_story.h"
#include "frames.h"
#include "layout.h"
#include "segment.h"

static const video_shm_consumer_options_t kinds[OLD_ALL] = {
	[OLD_EVERY] = {.start = VIDEO_SHM_START_OLDEST, .reconnect = 1},
	[OLD_FINAL] = {.start = VIDEO_SHM_START_NEXT},
	[OLD_NEWEST] = {.start = VIDEO_SHM_START_OLDEST,
					.policy = VIDEO_SHM_POLICY_NEWEST,
					.resync = 1,
					.reconnect = 1},
	[OLD_KEYFRAMES] = {.start = VIDEO_SHM_START_KEYFRAME,
					   .policy = VIDEO_SHM_POLICY_KEYFRAMES,
					   .reconnect = 1},
	[OLD_SLOW] = {.start = VIDEO_SHM_START_OLDEST},
	[OLD_HOLDER] = {.start = VIDEO_SHM_START_OLDEST, .reconnect = 1},
};

int witness_semaphore(const struct witness *witness)
{
	struct v1_names names;
	sem_t *semaphore;
	int value = -1;

	if (witness->place.channel < 0)
		return -1;
	v1_names(&names, witness->place.channel);
	semaphore = sem_open(names.write, 0);
	if (semaphore == SEM_FAILED)
		return -1;
	CHECK_EQ(sem_getvalue(semaphore, &value), 0);
	CHECK_EQ(sem_close(semaphore), 0);
	return value;
}

void witness_join(struct witness *witness)
{
	const char *name = witness->place.name;

	witness->fd = shm_open(name, O_RDONLY, 0);
	witness->joined = witness->fd >= 0;
	memset(witness->old_dead, 0, sizeof(witness->old_dead));
	memset(witness->old_closed, 0, sizeof(witness->old_closed));
	if (!witness->joined)
		return;
	witness->before.struct_size = sizeof(witness->before);
	CHECK_EQ(video_shm_inspect(name, &witness->before), 0);
	for (int at = 0; at < OLD_ALL; at++) {
		video_shm_consumer_options_t options = kinds[at];

		options.struct_size = sizeof(options);
		options.name = name;
		watcher_open(&witness->old[at], &options, at == OLD_EVERY);
	}
	if (witness->scenario->v1)
		CHECK_EQ(v1_reader_init(&witness->v1_old, witness->place.channel), 0);
	/* Some know already what there is, and whose writer has died; the others will have to be told it all. */
	watcher_settle(&witness->old[OLD_EVERY]);
	watcher_settle(&witness->old[OLD_KEYFRAMES]);
	watcher_hold(&witness->old[OLD_HOLDER]);
	for (int at = 0; at < OLD_ALL; at++)
		witness->old_dead[at] = witness->old[at].dead;
}

/* ---- after the crash ---- */

/* State and epoch of the ring that was joined, read without the library. */
static void read_truth(const struct witness *witness, uint32_t *state, uint32_t *epoch)
{
	struct layout_extension extension;
	struct layout_header header;

	CHECK(pread(witness->fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header));
	CHECK(pread(witness->fd, &extension, sizeof(extension), (off_t)header.extension * LAYOUT_UNIT) ==
		  (ssize_t)sizeof(extension));
	*state = extension.state;
	*epoch = extension.epoch;
}

/* What is called whole is whole to the last byte: nobody writes any more. */
static void check_slots(const struct witness *witness, const video_shm_slot_t *slots, uint32_t count)
{
	const int fd = shm_open(witness->place.name, O_RDONLY, 0);
	struct segment_survey survey;
	uint8_t data[STORY_SLOT_SIZE];

	CHECK(fd >= 0 && segment_survey(fd, witness->place.name, witness->seen.object_bytes, &survey) == 0);
	for (uint32_t at = 0; at < count; at++) {
		const video_shm_slot_t *slot = &slots[at];
		const uint64_t offset = survey.geometry.slot_offset + at * survey.geometry.slot_stride;

		if (!slot->whole)
			continue;
		CHECK(slot->frame <= witness->seen.frames); /* equal: its writer died before he counted it */
		CHECK_EQ(slot->meta.size, story_size(slot->frame, slot->meta.width));
		CHECK(pread(fd, data, slot->meta.size, (off_t)(offset + sizeof(slot->meta))) ==
			  (ssize_t)slot->meta.size);
		CHECK(has_pattern(data, slot->meta.size, story_pattern(slot->frame, slot->meta.width)));
	}
	CHECK_EQ(close(fd), 0);
}

/* A look from outside shows a whole ring of a dead writer, or none: never half of one, never a living writer.
 */
static void check_inspect(struct witness *witness)
{
	static video_shm_slot_t slots[VIDEO_SHM_RING_SIZE];
	video_shm_info_t *seen = &witness->seen;
	const bool v1_left = witness->scenario->before != NULL && witness->joined && !witness->before.extended;
	int count;

	seen->struct_size = sizeof(*seen);
	witness->there = video_shm_inspect(witness->place.name, seen) == 0;
	CHECK(witness->there || errno == ENOENT);
	slots[0].struct_size = sizeof(slots[0]);
	count = video_shm_inspect_slots(witness->place.name, slots, VIDEO_SHM_RING_SIZE);
	CHECK_EQ(count, witness->there ? (int)seen->slots : -1);
	if (!witness->there || witness->scenario->usurped)
		return;
	if (v1_left && !seen->extended)
		CHECK_EQ(seen->state, VIDEO_SHM_STATE_UNKNOWN);
	else
		CHECK(seen->state == VIDEO_SHM_STATE_DEAD || seen->state == VIDEO_SHM_STATE_CLOSED);
	CHECK(seen->frames >= story->committed && seen->frames <= story->begun);
	if (seen->extended) /* version 1 can't tell */
		check_slots(witness, slots, (uint32_t)count);
}

/* What an old reader must have been told by now, given what became of its ring. */
static void check_told(const struct witness *witness, int at, uint32_t state, uint32_t epoch)
{
	const struct watcher *watcher = &witness->old[at];
	const bool other = witness->there && witness->seen.inode != witness->before.inode;
	const bool reconnect = watcher->options.reconnect != 0;
	const uint32_t knew = witness->old_dead[at];

	CHECK(watcher->closed <= 1 && watcher->dead <= knew + 2);
	if (!witness->before.extended) { /* nobody can tell whether a version 1 writer lives */
		CHECK_EQ(watcher->closed, !witness->there || other);
		return;
	}
	if (state == VIDEO_SHM_STATE_CLOSED || (other && !reconnect))
		CHECK_EQ(watcher->closed, 1);
	else if (!other)
		CHECK_EQ(watcher->closed, 0);
	if (state != VIDEO_SHM_STATE_CLOSED && !other)
		CHECK_EQ(watcher->dead - knew, knew == 0 || epoch != witness->before.epoch);
	if (other && reconnect && !witness->scenario->usurped)
		CHECK(watcher->dead >= 1);
}

static void check_old_readers(struct witness *witness)
{
	struct watcher *every = &witness->old[OLD_EVERY];
	const bool other = witness->there && witness->seen.inode != witness->before.inode;
	uint32_t state, epoch;

	read_truth(witness, &state, &epoch);
	for (int at = 0; at < OLD_ACTIVE; at++) {
		struct watcher *watcher = &witness->old[at];

		watcher_settle(watcher);
		check_told(witness, at, state, epoch);
		CHECK_EQ(info_of(&watcher->consumer).reattached, other && watcher->options.reconnect);
	}
	/* Not one frame of those whose write returned was lost, nor is one there that never was begun. */
	CHECK(every->any && every->last + 1 >= story->committed && every->last + 1 <= story->begun);
	CHECK_EQ(info_of(&every->consumer).missed, 0);
}

/* A version 1 reader takes what it is told to take, which is whole. */
static void check_v1_reader(struct v1_reader *reader)
{
	static uint8_t data[V1_CAPACITY];
	struct v1_meta meta;
	int size;

	while ((size = v1_reader_wait(reader, data, &meta, 1)) > 0) {
		CHECK_EQ(size, story_size(meta.sequence, meta.width));
		CHECK(has_pattern(data, (uint32_t)size, story_pattern(meta.sequence, meta.width)));
	}
	CHECK_EQ(size, 0);
}

void witness_crash(struct witness *witness)
{
	CHECK(story_shm_is_clean(witness->place.name, true));
	check_inspect(witness);
	witness->taken = witness_semaphore(witness) == 0;
	if (!witness->joined)
		return;
	check_old_readers(witness);
	if (witness->scenario->v1)
		check_v1_reader(&witness->v1_old);
}
