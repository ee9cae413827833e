/* SPDX-License-Identifier: Apache-2.0 */
/* What a writer may be doing when it dies. */
#ifndef VSHM_CRASH_SCENARIOS_H
#define VSHM_CRASH_SCENARIOS_H

#include <stdbool.h>
#include <stdint.h>

#include "video_shm.h"

enum who { WHO_PREDECESSOR = 1, WHO_VICTIM, WHO_SUCCESSOR, WHO_USURPER };

struct place {
	const char *name;
	int channel; /* -1: the ring has no semaphores */
};

struct scenario {
	bool v1;        /* version 1's geometry, with semaphores */
	bool other;     /* the victim and its successor want another geometry than the predecessor's */
	bool remakes;   /* the ring is not taken over where it lies, but made anew */
	bool usurped;   /* somebody else has taken the name */
	bool opens;     /* opening is what it dies of */
	bool inherits;  /* it was forked by the writer, who is gone */
	unsigned least; /* crash points that there are at the very least */
	void (*before)(const struct scenario *scenario, const struct place *place,
				   uint32_t k); /* NULL: nothing */
	void (*act)(video_shm_producer_t *producer, const struct place *place);
};

/*
 * Opens the scenario's ring; other: with the geometry of the next writer. Returns what the library returns.
 */
int scenario_open(const struct scenario *scenario, const struct place *place, bool other,
				  video_shm_producer_t *producer);

extern const struct scenario scenario_fresh, scenario_fresh_v1, scenario_in_place, scenario_in_place_v1,
	scenario_other_geometry, scenario_after_v1, scenario_remake, scenario_remake_v1, scenario_stale,
	scenario_write, scenario_write_v1, scenario_commit_v1, scenario_abort, scenario_drops_v1,
	scenario_destroy, scenario_destroy_v1, scenario_destroy_reserved, scenario_inherit, scenario_inherit_v1;

#endif
