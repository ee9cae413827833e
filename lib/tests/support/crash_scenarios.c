/* SPDX-License-Identifier: Apache-2.0 */
#include "crash_scenarios.h"

#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "crash_story.h"
#include "frames.h"
#include "v1/v1.h"

/* For bytes that are written straight into a reserved slot, where the library has no crash point. */
void crash_point(void);

int scenario_open(const struct scenario *scenario, const struct place *place, bool other,
				  video_shm_producer_t *producer)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options),
		.slots = scenario->v1 ? 0 : (other && scenario->other ? STORY_OTHER_SLOTS : STORY_SLOTS),
		.slot_size = scenario->v1 ? 0 : STORY_SLOT_SIZE,
		.name = place->name,
	};

	return video_shm_producer_open(producer, &options);
}

struct life {
	const struct scenario *scenario;
	const struct place *place;
	uint32_t k;
};

/* Dies in the middle of its fourth frame. */
static void live_and_die(void *argument)
{
	const struct life *life = argument;
	video_shm_producer_t producer;

	CHECK_EQ(scenario_open(life->scenario, life->place, false, &producer), 0);
	for (int frame = 0; frame < 3; frame++)
		CHECK_EQ(story_write(&producer, WHO_PREDECESSOR, frame == 0), 0);
	story_arm(life->k);
	(void)story_write(&producer, WHO_PREDECESSOR, true);
	_exit(0);
}

static void a_writer_died(const struct scenario *scenario, const struct place *place, uint32_t k)
{
	struct life life = {scenario, place, k};

	(void)await_child(start_child(live_and_die, &life));
}

/* Runs a version 1 writer, which ends without closing its ring. */
static void live_and_die_as_v1(void *argument)
{
	const struct life *life = argument;
	static uint8_t data[STORY_SLOT_SIZE];
	struct v1_writer writer;

	CHECK_EQ(v1_writer_init(&writer, life->place->channel, 0), 0);
	for (uint32_t frame = 0; frame < 3; frame++) {
		const uint32_t size = story_size(frame, WHO_PREDECESSOR);
		const struct v1_meta meta = {.is_keyframe = frame == 0, .width = WHO_PREDECESSOR, .height = 2};

		fill_pattern(data, size, story_pattern(frame, WHO_PREDECESSOR));
		CHECK_EQ(v1_writer_write(&writer, data, size, &meta), 0);
		story->committed = story->begun = frame + 1;
	}
	_exit(0);
}

static void a_v1_writer_died(const struct scenario *scenario, const struct place *place, uint32_t k)
{
	struct life life = {scenario, place, k};

	child_succeeds(start_child(live_and_die_as_v1, &life));
}

/* ---- what the victim does ---- */

static void act_nothing(video_shm_producer_t *producer, const struct place *place)
{
	(void)producer;
	(void)place;
}

static void act_write(video_shm_producer_t *producer, const struct place *place)
{
	(void)place;
	(void)story_write(producer, WHO_VICTIM, false);
	(void)story_write(producer, WHO_VICTIM, true);
}

/* Has the library look at the ring's name again: it does so twice a second. */
static void act_after_a_while(video_shm_producer_t *producer, const struct place *place)
{
	story_clock_ahead(1000);
	act_write(producer, place);
}

static void act_without_name(video_shm_producer_t *producer, const struct place *place)
{
	CHECK_EQ(shm_unlink(place->name), 0);
	act_after_a_while(producer, place);
}

static uint64_t reserve_half(video_shm_producer_t *producer, uint8_t **data, uint32_t *size)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};
	uint8_t frame[STORY_SLOT_SIZE];
	uint32_t capacity;

	CHECK_EQ(video_shm_producer_info(producer, &info), 0);
	*size = story_size(info.frames, WHO_VICTIM);
	CHECK_EQ(video_shm_producer_reserve(producer, data, &capacity), 0);
	fill_pattern(frame, *size, story_pattern(info.frames, WHO_VICTIM));
	memcpy(*data, frame, *size / 2);
	crash_point();
	memcpy(*data + *size / 2, frame + *size / 2, *size - *size / 2);
	crash_point();
	return info.frames;
}

static void act_commit(video_shm_producer_t *producer, const struct place *place)
{
	const video_frame_meta_t meta = {.is_keyframe = 1, .width = WHO_VICTIM, .height = 2};
	uint8_t *data;
	uint32_t size;
	const uint64_t frame = reserve_half(producer, &data, &size);

	(void)place;
	story->begun = frame + 1;
	CHECK_EQ(video_shm_producer_commit(producer, size, &meta, NULL), 0);
	story->committed = frame + 1;
}

static void act_abort(video_shm_producer_t *producer, const struct place *place)
{
	uint8_t *data;
	uint32_t size;

	(void)reserve_half(producer, &data, &size);
	video_shm_producer_abort(producer);
	act_write(producer, place);
}

/* Drops frames: the write semaphore is taken for more than a second, and one frame is too large. */
static void act_drops(video_shm_producer_t *producer, const struct place *place)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE + 1];
	const video_frame_meta_t meta = {.width = WHO_VICTIM};
	struct v1_names names;
	sem_t *semaphore;

	v1_names(&names, place->channel);
	semaphore = sem_open(names.write, 0);
	CHECK(semaphore != SEM_FAILED);
	CHECK_EQ(sem_trywait(semaphore), 0);
	CHECK_EQ(story_write(producer, WHO_VICTIM, true), 1);
	CHECK_FAILS(video_shm_producer_write(producer, data, sizeof(data), &meta), EMSGSIZE);
	act_after_a_while(producer, place);
}

static void act_destroy(video_shm_producer_t *producer, const struct place *place)
{
	(void)place;
	video_shm_producer_destroy(producer);
}

static void act_destroy_reserved(video_shm_producer_t *producer, const struct place *place)
{
	uint8_t *data;
	uint32_t size;

	(void)reserve_half(producer, &data, &size);
	act_destroy(producer, place);
}

/* least: the number of crash points that must be found, a few below what it was when this was written. */
const struct scenario scenario_fresh = {.opens = true, .least = 38, .act = act_nothing};
const struct scenario scenario_fresh_v1 = {.v1 = true, .opens = true, .least = 76, .act = act_nothing};
const struct scenario scenario_in_place = {
	.opens = true, .least = 30, .before = a_writer_died, .act = act_nothing};
const struct scenario scenario_in_place_v1 = {
	.v1 = true, .opens = true, .least = 46, .before = a_writer_died, .act = act_nothing};
const struct scenario scenario_other_geometry = {
	.other = true, .remakes = true, .opens = true, .least = 54, .before = a_writer_died, .act = act_nothing};
const struct scenario scenario_after_v1 = {
	.v1 = true, .remakes = true, .opens = true, .least = 88, .before = a_v1_writer_died, .act = act_nothing};
const struct scenario scenario_remake = {.remakes = true, .least = 78, .act = act_without_name};
const struct scenario scenario_remake_v1 = {
	.v1 = true, .remakes = true, .least = 122, .act = act_without_name};
const struct scenario scenario_stale = {.usurped = true, .least = 4, .act = act_after_a_while};
const struct scenario scenario_write = {.least = 35, .act = act_write};
const struct scenario scenario_write_v1 = {.v1 = true, .least = 40, .act = act_write};
const struct scenario scenario_commit_v1 = {.v1 = true, .least = 20, .act = act_commit};
const struct scenario scenario_abort = {.least = 38, .act = act_abort};
const struct scenario scenario_drops_v1 = {.v1 = true, .least = 40, .act = act_drops};
const struct scenario scenario_destroy = {.least = 6, .act = act_destroy};
const struct scenario scenario_destroy_v1 = {.v1 = true, .least = 10, .act = act_destroy};
const struct scenario scenario_destroy_reserved = {.least = 10, .act = act_destroy_reserved};
const struct scenario scenario_inherit = {.inherits = true, .least = 60, .act = act_write};
const struct scenario scenario_inherit_v1 = {.v1 = true, .inherits = true, .least = 80, .act = act_write};
