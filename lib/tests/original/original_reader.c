/* SPDX-License-Identifier: Apache-2.0 */
/* The loops that the original's programs have: each takes an error for the end, as a recorder does. */
#include "video_shm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_MS 100
#define PAUSE_US 5000

static volatile sig_atomic_t running = 1;
static video_shm_consumer_t consumer;
static uint8_t buffer[VIDEO_SHM_MAX_FRAME_SIZE];

static void signal_handler(int sig)
{
	(void)sig;
	running = 0;
}

static int next_frame(const char *loop, video_frame_meta_t *meta)
{
	int size;

	if (strcmp(loop, "endless") == 0)
		return video_shm_consumer_wait(&consumer, buffer, meta, 0);
	if (strcmp(loop, "timeout") == 0)
		return video_shm_consumer_wait(&consumer, buffer, meta, TIMEOUT_MS);
	size = video_shm_consumer_read(&consumer, buffer, meta);
	if (size == 0)
		usleep(PAUSE_US);
	return size;
}

int main(int argc, char **argv)
{
	unsigned frames = 0, last = 0;
	video_frame_meta_t meta;

	if (argc != 3) {
		fprintf(stderr, "usage: %s endless|timeout|poll CHANNEL\n", argv[0]);
		return 2;
	}
	signal(SIGINT, signal_handler);
	if (video_shm_consumer_init_channel(&consumer, atoi(argv[2])) < 0) {
		fprintf(stderr, "Failed to connect to video stream\n");
		return 1;
	}
	while (running) {
		const int size = next_frame(argv[1], &meta);

		if (size < 0 && running) {
			fprintf(stderr, "%s: no more frames\n", argv[1]);
			return 3;
		}
		if (size > 0) {
			frames++;
			last = meta.sequence;
		}
	}
	video_shm_consumer_destroy(&consumer);
	printf("%u %u\n", frames, last);
	return 0;
}
