/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qr_reader MS [CHANNEL]: looks at a picture for so long, and says which one it was and how old at first
 * sight; then takes the next. An error is the end, without a result.
 */
#include "program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 100

static video_shm_consumer_t consumer;
static uint8_t buffer[VIDEO_SHM_MAX_FRAME_SIZE];

static int64_t age_ms(const video_frame_meta_t *meta)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - (int64_t)meta->timestamp_ms;
}

int main(int argc, char **argv)
{
	video_frame_meta_t meta;
	int code = 0;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s MS [CHANNEL]\n", argv[0]);
		return 2;
	}
	program_begin();
	if (program_join(&consumer, argv[2]) < 0)
		return 1;
	while (program_running && code == 0) {
		const int size = video_shm_consumer_wait(&consumer, buffer, &meta, TIMEOUT_MS);

		if (size < 0) {
			fprintf(stderr, "qr_reader: no more pictures\n");
			code = ENDED_BY_ERROR;
		} else if (size > 0) {
			program_count(&meta);
			printf("seq=%" PRIu32 " age_ms=%" PRId64 "\n", meta.sequence, age_ms(&meta));
			usleep((useconds_t)atoi(argv[1]) * 1000u);
		}
	}
	video_shm_consumer_destroy(&consumer);
	return program_end(code);
}
