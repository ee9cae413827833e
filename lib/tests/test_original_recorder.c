/* SPDX-License-Identifier: Apache-2.0 */
/* A recorder as users of the original have it (original/recorder.c): it takes an error for the end, so that
 * no restart may be one. */
#include <sys/stat.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "original_program.h"
#include "processes.h"
#include "v1/v1.h"

#define LIVES 6u
#define FRAMES 8u /* of each writer */
#define FRAME_BYTES 900u

enum kind { OURS, V1 };

/* Each kind follows each, closed and killed. */
static const struct life {
	enum kind kind;
	bool killed;
} lives[LIVES] = {{OURS, false}, {OURS, true}, {V1, true}, {V1, false}, {OURS, true}, {OURS, false}};

static struct {
	_Atomic uint32_t go;
	_Atomic uint32_t told; /* to close: lives */
} * shared;

static int channel;
static video_shm_producer_t writer;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];

static int write_one(struct v1_writer *old, uint32_t life, uint32_t frame)
{
	const bool keyframe = frame > 0; /* so that the very first is none */

	fill_pattern(data, FRAME_BYTES, pattern_key(frame, life));
	return lives[life].kind == OURS
			   ? video_shm_producer_write(&writer, data, FRAME_BYTES,
										  &(video_frame_meta_t){.is_keyframe = keyframe})
			   : v1_writer_write(old, data, FRAME_BYTES, &(struct v1_meta){.is_keyframe = keyframe});
}

static void live(void *argument)
{
	const uint32_t life = *(const uint32_t *)argument;
	struct v1_writer old;

	if (lives[life].kind == OURS)
		open_channel_producer(&writer, channel);
	else
		CHECK_EQ(v1_writer_init(&old, channel, 0), 0);
	await_least(&shared->go, 1);
	for (uint32_t frame = 0; frame < FRAMES;)
		frame += write_one(&old, life, frame) == 0; /* else another has the semaphore just now */
	await_least(&shared->told, life + 1);
	if (lives[life].kind == OURS)
		video_shm_producer_destroy(&writer);
	else
		v1_writer_destroy(&old);
}

static void await_bytes(const char *path, off_t size)
{
	struct stat status;

	while (stat(path, &status) != 0 || status.st_size < size)
		sleep_ms(2);
	CHECK_EQ(status.st_size, size);
}

static void end_life(uint32_t life, pid_t pid)
{
	if (lives[life].killed) {
		kill_child(pid);
		return;
	}
	atomic_store(&shared->told, life + 1);
	child_succeeds(pid);
}

static void holds_every_unit(int file)
{
	for (uint32_t unit = 1; unit < LIVES * FRAMES; unit++) {
		CHECK_EQ(read(file, data, FRAME_BYTES), FRAME_BYTES);
		CHECK(has_pattern(data, FRAME_BYTES, pattern_key(unit % FRAMES, unit / FRAMES)));
	}
	CHECK_EQ(read(file, data, 1), 0);
}

static void the_recorder_has_every_unit_whoever_wrote_it_and_however_that_one_ended(void)
{
	char path[] = "/tmp/vshm_test_recording_XXXXXX", sum[64];
	const int file = mkstemp(path);
	struct original_program recorder = {0};

	CHECK(file >= 0);
	shared = share(sizeof(*shared));
	channel = fresh_channel();
	for (uint32_t life = 0; life < LIVES; life++) {
		const pid_t pid = start_child(live, &life);

		if (life == 0) {
			while (!shm_exists(channel_ring(channel)))
				sleep_ms(2);
			recorder = original_start(RECORDER, path, channel_text(channel), channel_ring(channel));
			atomic_store(&shared->go, 1);
		}
		await_bytes(path, (off_t)((life + 1) * FRAMES - 1) * FRAME_BYTES);
		end_life(life, pid);
	}
	(void)snprintf(sum, sizeof(sum), "frames=%u last=", LIVES * FRAMES - 1);
	original_ends_with(&recorder, sum);
	holds_every_unit(file);
	(void)close(file);
	(void)unlink(path);
}

TEST_MAIN(120, TEST(the_recorder_has_every_unit_whoever_wrote_it_and_however_that_one_ended))
