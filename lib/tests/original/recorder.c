/* SPDX-License-Identifier: Apache-2.0 */
/* recorder FILE [CHANNEL]: every unit from the first keyframe on, one behind the other; an error is the end.
 */
#include "program.h"

#include <stdio.h>

static video_shm_consumer_t consumer;
static uint8_t buffer[VIDEO_SHM_MAX_FRAME_SIZE];

static int record(FILE *file)
{
	video_frame_meta_t meta;
	int begun = 0;

	while (program_running) {
		const int size = video_shm_consumer_wait(&consumer, buffer, &meta, 0);

		if (size < 0) {
			fprintf(stderr, "recorder: no more frames\n");
			return ENDED_BY_ERROR;
		}
		begun = begun || (size > 0 && meta.is_keyframe);
		if (size == 0 || !begun)
			continue;
		if (fwrite(buffer, 1, (size_t)size, file) != (size_t)size || fflush(file) != 0) {
			perror("recorder");
			return 1;
		}
		program_count(&meta);
	}
	return 0;
}

int main(int argc, char **argv)
{
	FILE *file;
	int code;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s FILE [CHANNEL]\n", argv[0]);
		return 2;
	}
	program_begin();
	file = fopen(argv[1], "wb");
	if (!file) {
		perror(argv[1]);
		return 1;
	}
	if (program_join(&consumer, argv[2]) < 0)
		return 1;
	code = record(file);
	video_shm_consumer_destroy(&consumer);
	if (fclose(file) != 0)
		code = 1;
	return program_end(code);
}
