/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of overhead.py in C: nanoseconds of CPU each for write, write and borrow, write and receive. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <video_shm.h>

static uint8_t payload[64], buffer[64];
static video_shm_producer_t producer;
static video_shm_consumer_t consumer;

static void put(void)
{
	const video_frame_meta_t meta = {.is_keyframe = 0};

	if (video_shm_producer_write(&producer, payload, sizeof(payload), &meta) != 0)
		exit(1);
}

static void borrow(void)
{
	video_shm_view_t view = {.struct_size = sizeof(view)};

	put();
	if (video_shm_consumer_acquire(&consumer, &view, VIDEO_SHM_NO_WAIT) <= 0 ||
		video_shm_consumer_release(&consumer, &view) != 0)
		exit(1);
}

static void receive(void)
{
	video_frame_meta_t meta;

	put();
	if (video_shm_consumer_receive(&consumer, buffer, sizeof(buffer), &meta, VIDEO_SHM_NO_WAIT) <= 0)
		exit(1);
}

static double ns_each(void (*step)(void), unsigned count)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (unsigned at = 0; at < count; at++)
		step();
	clock_gettime(CLOCK_MONOTONIC, &end);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) / count;
}

/* loop NAME COUNT prints a line of three figures for each line that is read. */
int main(int argc, char **argv)
{
	const video_shm_producer_options_t writes = {.struct_size = sizeof(writes), .name = argv[1]};
	const video_shm_consumer_options_t reads = {.struct_size = sizeof(reads), .name = argv[1]};
	const unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;

	if (argc < 3 || video_shm_producer_open(&producer, &writes) != 0 ||
		video_shm_consumer_open(&consumer, &reads) != 0)
		return 1;
	while (getchar() != EOF) {
		const double write_ns = ns_each(put, count);
		video_shm_view_t view = {.struct_size = sizeof(view)};

		while (video_shm_consumer_acquire(&consumer, &view, VIDEO_SHM_NO_WAIT) > 0)
			(void)video_shm_consumer_release(&consumer, &view);
		printf("%f %f %f\n", write_ns, ns_each(borrow, count), ns_each(receive, count));
		fflush(stdout);
	}
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	return 0;
}
