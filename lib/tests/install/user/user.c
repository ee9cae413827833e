/* SPDX-License-Identifier: Apache-2.0 */
/* A user's program: writes a frame and reads it, in a ring of its own, with the public header alone. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <video_shm.h>

int main(void)
{
	static const uint8_t frame[] = "frame";
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	char name[64];
	const video_shm_producer_options_t writer = {.struct_size = sizeof(writer), .name = name};
	const video_shm_consumer_options_t reader = {.struct_size = sizeof(reader), .name = name};
	video_frame_meta_t meta = {.is_keyframe = 1};
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	int good;

	(void)snprintf(name, sizeof(name), "/vshm_test_user_%d", (int)getpid());
	if (video_shm_producer_open(&producer, &writer) != 0) {
		perror(name);
		return 1;
	}
	good = video_shm_consumer_open(&consumer, &reader) == 0 &&
		   video_shm_producer_write(&producer, frame, sizeof(frame), &meta) == 0 &&
		   video_shm_consumer_wait(&consumer, data, &meta, 5000) == (int)sizeof(frame) &&
		   memcmp(data, frame, sizeof(frame)) == 0;
	if (!good)
		perror(name);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	(void)printf("%s\n", video_shm_version());
	return good ? 0 : 1;
}
