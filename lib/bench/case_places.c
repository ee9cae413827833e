/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where copies land. On some processors memcpy is many times slower when (target - source) modulo 4096 is 1
 * to 31; this measures which distances are slow here, and where slots lie, both ways, for
 * buffers that begin where malloc (16 bytes behind a page) or a page has them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "fleet.h"

#define PAGE 4096u
#define COPY_BYTES (64 * SIDE_KB)
#define PLACES_MAX 120u /* slots, two buffers, two ways */
#define TRIES_MIN 20u

static const unsigned distances[] = {0,   1,   8,    16,   24,   31,   32,   48,   64,  128,
									 256, 512, 1024, 2048, 3072, 4032, 4064, 4080, 4095};
#define DISTANCES (sizeof(distances) / sizeof(distances[0]))

static const struct {
	uint32_t slots, slot_bytes;
} rings[] = {{0, 0}, {8, 64 * SIDE_KB}, {16, 100000}, {60, 1024 * SIDE_KB}, {4, 4096 * SIDE_KB}};
#define RINGS (sizeof(rings) / sizeof(rings[0]))

struct place {
	unsigned target, source; /* behind a page */
	double ns;
};

/* What the child finds out. */
struct places {
	double seconds;
	struct place plain[DISTANCES];
	struct place in_ring[RINGS][PLACES_MAX];
	unsigned count[RINGS];
};

static void add_slot(struct places *places, size_t ring, unsigned offset)
{
	static const unsigned buffers[] = {0, 16};

	for (unsigned at = 0; at < 2 && places->count[ring] + 2 <= PLACES_MAX; at++) {
		struct place *place = &places->in_ring[ring][places->count[ring]];

		place[0] = (struct place){offset, buffers[at], 0};
		place[1] = (struct place){buffers[at], offset, 0};
		places->count[ring] += 2;
	}
}

/* Asks a real ring where its slots are. */
static void find_slots(struct places *places, size_t ring)
{
	struct side side = {
		.kind = &side_direct, .slots = rings[ring].slots, .slot_bytes = rings[ring].slot_bytes};
	const unsigned slots = side.slots != 0 ? side.slots : VIDEO_SHM_RING_SIZE;
	const video_frame_meta_t meta = {.codec = VIDEO_SHM_CODEC_H264};
	video_shm_view_t view = {.struct_size = sizeof(view)};
	uint8_t *data;
	uint32_t capacity;

	side.kind->prepare(&side, 0);
	side.kind->open_writer(&side);
	side.kind->open_reader(&side);
	for (unsigned slot = 0; slot < slots; slot++) {
		if (video_shm_producer_reserve(&side.producer, &data, &capacity) != 0 ||
			video_shm_producer_commit(&side.producer, 1, &meta, NULL) != 0 ||
			video_shm_consumer_acquire(&side.consumer, &view, VIDEO_SHM_NO_WAIT) != 1)
			fleet_die("a slot's place");
		add_slot(places, ring, (unsigned)(view.offset % PAGE));
		(void)video_shm_consumer_release(&side.consumer, &view);
	}
	side.kind->close_reader(&side);
	side.kind->close_writer(&side);
}

/* The fastest of all tries: what the host does in between does not count. */
static void try_place(struct place *place, uint8_t *target, const uint8_t *source)
{
	const uint64_t begin_ns = fleet_now_ns();
	double ns;

	memcpy(target + place->target, source + place->source, COPY_BYTES);
	__asm__ volatile("" : : "r"(target) : "memory"); /* nobody reads it, but it has to be done */
	ns = (double)(fleet_now_ns() - begin_ns);
	if (place->ns <= 0 || ns < place->ns)
		place->ns = ns;
}

static void measure(void *argument)
{
	struct places *places = argument;
	uint8_t *const target = aligned_alloc(PAGE, COPY_BYTES + 2 * PAGE);
	uint8_t *const source = aligned_alloc(PAGE, COPY_BYTES + 2 * PAGE);
	const uint64_t end_ns = fleet_now_ns() + (uint64_t)(places->seconds * 1e9);

	if (target == NULL || source == NULL)
		fleet_die("no memory");
	memset(target, 1, COPY_BYTES + 2 * PAGE);
	memset(source, 1, COPY_BYTES + 2 * PAGE);
	for (size_t ring = 0; ring < RINGS; ring++)
		find_slots(places, ring);
	for (size_t at = 0; at < DISTANCES; at++)
		places->plain[at].target = distances[at];
	for (unsigned tries = 0; !fleet_stopped() && (tries < TRIES_MIN || fleet_now_ns() < end_ns); tries++) {
		for (size_t at = 0; at < DISTANCES; at++)
			try_place(&places->plain[at], target, source);
		for (size_t ring = 0; ring < RINGS; ring++) {
			for (unsigned at = 0; at < places->count[ring]; at++)
				try_place(&places->in_ring[ring][at], target, source);
		}
	}
}

/* Prints for every place how far its target lies behind its source, modulo a page, and what a copy takes. */
static void print_places(const char *figure, const struct place *places, unsigned count)
{
	double distances_in_it[PLACES_MAX], ns[PLACES_MAX];
	char name[48];

	for (unsigned at = 0; at < count; at++) {
		distances_in_it[at] = (places[at].target - places[at].source) % PAGE;
		ns[at] = places[at].ns;
	}
	(void)snprintf(name, sizeof(name), "%s_distance", figure);
	bench_print(name, 0, 0, distances_in_it, count);
	(void)snprintf(name, sizeof(name), "%s_ns", figure);
	bench_print(name, 0, 0, ns, count);
}

bool case_places(const struct bench_case *which, const struct bench_run *run)
{
	struct places *places = fleet_share(sizeof(*places));
	char figure[32];
	bool good;

	(void)which;
	places->seconds = run->seconds;
	fleet_start(measure, places, true);
	good = fleet_finish();
	if (good)
		print_places("plain", places->plain, DISTANCES);
	for (size_t ring = 0; good && ring < RINGS; ring++) {
		const uint32_t slots = rings[ring].slots != 0 ? rings[ring].slots : VIDEO_SHM_RING_SIZE;
		const uint32_t bytes =
			rings[ring].slot_bytes != 0 ? rings[ring].slot_bytes : VIDEO_SHM_MAX_FRAME_SIZE;

		(void)snprintf(figure, sizeof(figure), "%ux%u", slots, bytes);
		print_places(figure, places->in_ring[ring], places->count[ring]);
	}
	fleet_unshare(places, sizeof(*places));
	return good;
}
