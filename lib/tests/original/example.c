/* SPDX-License-Identifier: Apache-2.0 */
/* example [CHANNEL]: polls; a line for each frame, and at the end what video_shm_consumer_stats has counted.
 */
#include "program.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define PAUSE_US 5000

static video_shm_consumer_t consumer;
static uint8_t buffer[VIDEO_SHM_MAX_FRAME_SIZE];

static int print_statistics(void)
{
	uint32_t total, dropped, missed;

	if (video_shm_consumer_stats(&consumer, &total, &dropped, &missed) < 0)
		return 1;
	printf("total=%" PRIu32 " dropped=%" PRIu32 " missed=%" PRIu32 "\n", total, dropped, missed);
	return 0;
}

int main(int argc, char **argv)
{
	video_frame_meta_t meta;
	int code = 0;

	if (argc > 2) {
		fprintf(stderr, "usage: %s [CHANNEL]\n", argv[0]);
		return 2;
	}
	program_begin();
	if (program_join(&consumer, argv[1]) < 0)
		return 1;
	while (program_running && code == 0) {
		const int size = video_shm_consumer_read(&consumer, buffer, &meta);

		if (size < 0)
			code = ENDED_BY_ERROR;
		else if (size == 0)
			usleep(PAUSE_US);
		else {
			program_count(&meta);
			printf("Frame seq=%" PRIu32 " size=%" PRIu32 " codec=%u keyframe=%u %ux%u fps=%u\n",
				   meta.sequence, meta.size, meta.codec, meta.is_keyframe, meta.width, meta.height, meta.fps);
		}
	}
	code = print_statistics() || code;
	video_shm_consumer_destroy(&consumer);
	return program_end(code);
}
