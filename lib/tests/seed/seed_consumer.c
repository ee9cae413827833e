/* SPDX-License-Identifier: Apache-2.0 */
/* The loop that users of the first version have in their programs. It must never need to change. */
#include "video_shm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t running = 1;
static video_shm_consumer_t consumer;
static uint32_t frames, first, last;

static void signal_handler(int sig)
{
	(void)sig;
	running = 0;
}

/* What some did instead. */
static void destroying_handler(int sig)
{
	(void)sig;
	running = 0;
	video_shm_consumer_destroy(&consumer);
	_exit(0);
}

static void process_frame(const uint8_t *data, int size, const video_frame_meta_t *meta)
{
	(void)data;
	(void)size;
	if (!frames)
		first = meta->sequence;
	last = meta->sequence;
	frames++;
}

int main(int argc, char **argv)
{
	int channel = -1;
	int option;
	video_frame_meta_t meta;

	/* signal(), not sigaction(): its handlers restart what they interrupt, so waits must end all the same. */
	signal(SIGINT, signal_handler);
	signal(SIGTERM, signal_handler);
	while ((option = getopt(argc, argv, "c:D")) != -1) {
		if (option == 'c') {
			channel = atoi(optarg);
		} else if (option == 'D') {
			signal(SIGINT, destroying_handler);
			signal(SIGTERM, destroying_handler);
		} else {
			fprintf(stderr, "usage: %s [-c channel] [-D]\n", argv[0]);
			return 2;
		}
	}

	if ((channel < 0 ? video_shm_consumer_init(&consumer)
					 : video_shm_consumer_init_channel(&consumer, channel)) < 0) {
		fprintf(stderr, "Failed to connect to video stream\n");
		return 1;
	}

	uint8_t *buffer = malloc(VIDEO_SHM_MAX_FRAME_SIZE);

	while (running) {
		int size = video_shm_consumer_wait(&consumer, buffer, &meta, 0);
		if (size > 0) {
			process_frame(buffer, size, &meta);
		}
	}

	free(buffer);
	video_shm_consumer_destroy(&consumer);
	printf("{\"frames\":%u,\"first\":%u,\"last\":%u}\n", frames, first, last);
	return 0;
}
