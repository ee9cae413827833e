/* SPDX-License-Identifier: Apache-2.0 */
/* The loop that users of the first version have in their programs. It must never need to change. */
#include "video_shm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t running = 1;

static void signal_handler(int sig)
{
	(void)sig;
	running = 0;
}

static int channel = -1;
static int fps = 30, count, size = 20000; /* fps 0: as fast as it goes; count 0: no end */

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:f:n:s:")) != -1) {
		switch (option) {
		case 'c':
			channel = atoi(optarg);
			break;
		case 'f':
			fps = atoi(optarg);
			break;
		case 'n':
			count = atoi(optarg);
			break;
		case 's':
			size = atoi(optarg);
			break;
		default:
			fprintf(stderr, "usage: %s [-c channel] [-f fps] [-n frames] [-s size]\n", argv[0]);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	video_shm_producer_t producer;

	parse(argc, argv);
	signal(SIGINT, signal_handler);
	signal(SIGTERM, signal_handler);

	if ((channel < 0 ? video_shm_producer_init(&producer)
					 : video_shm_producer_init_channel(&producer, channel)) < 0) {
		fprintf(stderr, "Failed to create video stream\n");
		return 1;
	}

	uint8_t *data = malloc((size_t)size);

	for (int i = 0; running && (!count || i < count); i++) {
		video_frame_meta_t meta = {.timestamp_ms = 0,
								   .is_keyframe = i % 30 == 0,
								   .codec = 0,
								   .width = 1920,
								   .height = 1080,
								   .fps = 30};

		memset(data, i, (size_t)size);
		video_shm_producer_write(&producer, data, (uint32_t)size, &meta);
		if (fps > 0)
			usleep(1000000u / (unsigned)fps);
	}

	free(data);
	video_shm_producer_destroy(&producer);
	return 0;
}
