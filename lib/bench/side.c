/* SPDX-License-Identifier: Apache-2.0 */
#include "side.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"

#define BUFFER_OFFSET 16u
#define DIRECT_SLOTS 8u

static const video_frame_meta_t some_meta = {
	.codec = VIDEO_SHM_CODEC_H264, .width = 1920, .height = 1080, .fps = 30};

/* ---- the library ---- */

static void prepare_ring(struct side *side, unsigned number)
{
	fleet_ring_name(side->ring, sizeof(side->ring), number);
}

static void open_producer(struct side *side)
{
	const video_shm_producer_options_t options = {.struct_size = sizeof(options),
												  .slots = side->slots,
												  .slot_size = side->slot_bytes,
												  .name = side->ring};

	if (video_shm_producer_open(&side->producer, &options) != 0)
		fleet_die(side->ring);
}

static void close_producer(struct side *side)
{
	video_shm_producer_destroy(&side->producer);
}

static void open_consumer(struct side *side)
{
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options), .name = side->ring};

	if (video_shm_consumer_open(&side->consumer, &options) != 0)
		fleet_die(side->ring);
}

static void close_consumer(struct side *side)
{
	video_shm_consumer_destroy(&side->consumer);
}

static void no_discard(struct side *side)
{
	(void)side;
}

static void write_copy(struct side *side)
{
	if (video_shm_producer_write(&side->producer, side->source, side->frame_bytes, &some_meta) != 0)
		fleet_die("write");
}

static uint32_t wait_copy(struct side *side)
{
	video_frame_meta_t meta;
	int size;

	do {
		size = video_shm_consumer_wait(&side->consumer, side->target, &meta, 0);
	} while (size == 0);
	if (size != (int)side->frame_bytes)
		fleet_die("wait");
	return meta.sequence;
}

static void write_direct(struct side *side)
{
	uint8_t *data;
	uint32_t capacity;

	if (video_shm_producer_reserve(&side->producer, &data, &capacity) != 0 ||
		video_shm_producer_commit(&side->producer, side->frame_bytes, &some_meta, NULL) != 0)
		fleet_die("reserve and commit");
}

static uint32_t wait_direct(struct side *side)
{
	video_shm_view_t view = {.struct_size = sizeof(view)};
	int size;

	do {
		size = video_shm_consumer_acquire(&side->consumer, &view, 0);
	} while (size == 0);
	if (size != (int)side->frame_bytes || video_shm_consumer_release(&side->consumer, &view) < 0)
		fleet_die("acquire and release");
	return view.meta.sequence;
}

const struct side_kind side_copy = {prepare_ring,  open_producer, write_copy,     close_producer,
									open_consumer, wait_copy,     close_consumer, no_discard};

const struct side_kind side_direct = {prepare_ring,  open_producer, write_direct,   close_producer,
									  open_consumer, wait_direct,   close_consumer, no_discard};

/* ---- the floor ---- */

static void prepare_floor(struct side *side, unsigned number)
{
	(void)number;
	if (floor_make(&side->floor) != 0)
		fleet_die("/dev/shm");
}

static void map_to_write(struct side *side)
{
	if (floor_map(&side->floor, true) != 0)
		fleet_die("mmap");
}

static void map_to_read(struct side *side)
{
	if (floor_map(&side->floor, false) != 0)
		fleet_die("mmap");
}

static void unmap(struct side *side)
{
	floor_unmap(&side->floor);
}

static void write_floor(struct side *side)
{
	floor_write(&side->floor, side->source, side->frame_bytes);
}

static uint32_t wait_floor(struct side *side)
{
	return floor_receive(&side->floor, side->target, side->frame_bytes);
}

static void discard_floor(struct side *side)
{
	floor_discard(&side->floor);
}

const struct side_kind side_floor = {prepare_floor, map_to_write, write_floor, unmap,
									 map_to_read,   wait_floor,   unmap,       discard_floor};

/* ---- three of them ---- */

static void prepare_all(struct side sides[SIDES])
{
	for (unsigned at = 0; at < SIDES; at++)
		sides[at].kind->prepare(&sides[at], at);
}

void sides_against_floor(struct side sides[SIDES], uint32_t frame_bytes)
{
	sides[0] = (struct side){.kind = &side_copy, .frame_bytes = frame_bytes};
	sides[1] = (struct side){.kind = &side_floor, .frame_bytes = frame_bytes};
	sides[2] = sides[1];
	prepare_all(sides);
}

void sides_against_64_kb(struct side sides[SIDES], uint32_t frame_bytes)
{
	sides[0] = (struct side){
		.kind = &side_direct, .frame_bytes = frame_bytes, .slots = DIRECT_SLOTS, .slot_bytes = frame_bytes};
	sides[1] = sides[0];
	sides[1].frame_bytes = 64 * SIDE_KB;
	sides[2] = sides[1];
	prepare_all(sides);
}

static void against_one_ring(struct side sides[SIDES], uint32_t frame_bytes, const struct side_kind *kind,
							 const struct side_kind *kind_of_one)
{
	sides[0] = (struct side){.kind = kind, .frame_bytes = frame_bytes, .slot_bytes = frame_bytes};
	sides[1] = sides[0];
	sides[1].kind = kind_of_one;
	sides[2] = sides[1];
	prepare_all(sides);
}

void sides_any_one(struct side sides[SIDES], uint32_t frame_bytes)
{
	against_one_ring(sides, frame_bytes, &side_any_one, &side_copy);
}

void sides_any_turn(struct side sides[SIDES], uint32_t frame_bytes)
{
	against_one_ring(sides, frame_bytes, &side_any_turn, &side_each_turn);
}

void sides_any_polled(struct side sides[SIDES], uint32_t frame_bytes)
{
	against_one_ring(sides, frame_bytes, &side_any_polled, &side_each_turn);
}

void sides_discard(struct side sides[SIDES])
{
	for (unsigned at = 0; at < SIDES; at++)
		sides[at].kind->discard(&sides[at]);
}

static uint8_t *buffer(void)
{
	const size_t size = SIDE_FRAME_MAX + 4096;
	uint8_t *block = aligned_alloc(4096, size);

	if (block == NULL)
		fleet_die("no memory");
	memset(block, 1, size);
	return block + BUFFER_OFFSET;
}

void sides_open_writers(struct side sides[SIDES])
{
	uint8_t *const source = buffer();

	for (unsigned at = 0; at < SIDES; at++) {
		sides[at].source = source;
		sides[at].kind->open_writer(&sides[at]);
	}
}

void sides_close_writers(struct side sides[SIDES])
{
	for (unsigned at = 0; at < SIDES; at++)
		sides[at].kind->close_writer(&sides[at]);
}

void sides_open_readers(struct side sides[SIDES])
{
	uint8_t *const target = buffer();

	for (unsigned at = 0; at < SIDES; at++) {
		sides[at].target = target;
		sides[at].kind->open_reader(&sides[at]);
	}
}

void sides_close_readers(struct side sides[SIDES])
{
	for (unsigned at = 0; at < SIDES; at++)
		sides[at].kind->close_reader(&sides[at]);
}

const unsigned *sides_order(unsigned block)
{
	static const unsigned orders[6][SIDES] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2},
											  {2, 0, 1}, {0, 2, 1}, {1, 2, 0}};

	return orders[block % 6];
}
