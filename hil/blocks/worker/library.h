/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library under test, loaded from the path in VSHM_LIBRARY. Only the original's calls are used, which a
 * baseline of any age has.
 */
#ifndef GATE_LIBRARY_H
#define GATE_LIBRARY_H

#include <video_shm.h>

struct library {
	int (*producer_init_channel)(video_shm_producer_t *producer, int channel);
	int (*producer_write)(video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
						  const video_frame_meta_t *meta);
	void (*producer_destroy)(video_shm_producer_t *producer);
	int (*consumer_init_channel)(video_shm_consumer_t *consumer, int channel);
	int (*consumer_wait)(video_shm_consumer_t *consumer, uint8_t *data, video_frame_meta_t *meta,
						 uint32_t timeout_ms);
	int (*consumer_stats)(video_shm_consumer_t *consumer, uint32_t *total, uint32_t *dropped,
						  uint32_t *missed);
	void (*consumer_destroy)(video_shm_consumer_t *consumer);
};

/* Handles with room for a library whose handles are larger. */
union producer_handle {
	video_shm_producer_t handle;
	uint64_t room[2048];
};

union consumer_handle {
	video_shm_consumer_t handle;
	uint64_t room[2048];
};

/* Loads the library. Ends the process with a message if it or one of its calls is missing. */
void library_load(struct library *library);

/* Ends the process with a message of what failed, and errno's text. */
_Noreturn void die(const char *what);

#endif
