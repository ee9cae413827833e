/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

atomic_int program_running = 1;

static unsigned frames, last;

static void signal_handler(int sig)
{
	(void)sig;
	program_running = 0;
}

/* signal(), not sigaction(): its handlers restart what they interrupt, so waits must end all the same. */
void program_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGINT, signal_handler);
	signal(SIGTERM, signal_handler);
}

int program_join(video_shm_consumer_t *consumer, const char *channel)
{
	const int joined = channel ? video_shm_consumer_init_channel(consumer, atoi(channel))
							   : video_shm_consumer_init(consumer);

	if (joined < 0)
		fprintf(stderr, "Failed to connect to video stream\n");
	return joined < 0 ? -1 : 0;
}

void program_count(const video_frame_meta_t *meta)
{
	frames++;
	last = meta->sequence;
}

int program_end(int code)
{
	printf("frames=%u last=%u\n", frames, last);
	return code;
}
