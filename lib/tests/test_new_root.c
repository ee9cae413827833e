/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that change their root once they have joined, as services do: no name can be looked up any more.
 */
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "processes.h"

#define FRAME_BYTES 700u
#define FRAMES 60u
#define EVERY_MS 20u /* so that the writer looks at its ring's name twice meanwhile */

static struct {
	_Atomic uint32_t joined;
} * shared;

static video_shm_producer_t writer;
static video_shm_consumer_t reader;

/* There is no /dev/shm. */
static void change_the_root(void)
{
	CHECK_EQ(chroot("/proc"), 0);
	CHECK(access("/dev/shm", F_OK) != 0);
}

static void write_from_a_new_root(void *name)
{
	open_producer(&writer, name);
	change_the_root();
	for (uint32_t frame = 0; frame < FRAMES; frame++) {
		CHECK_EQ(write_pattern(&writer, frame, FRAME_BYTES, frame == 0), 0);
		sleep_ms(EVERY_MS);
	}
	video_shm_producer_destroy(&writer);
}

static void a_writer_writes_on(void)
{
	const char *name = fresh_name();
	video_shm_info_t info = {.struct_size = sizeof(info)};
	pid_t child;

	needs_root();
	child = start_child(write_from_a_new_root, (void *)(uintptr_t)name);
	CHECK_EQ(await_child(child), 0);
	CHECK_EQ(video_shm_inspect(name, &info), 0); /* it could not remove it */
	CHECK_EQ(info.frames, FRAMES);
	CHECK_EQ(info.state, VIDEO_SHM_STATE_CLOSED);
	CHECK_EQ(info.remade, 0);
	open_producer(&writer, name);
	video_shm_producer_destroy(&writer);
}

static void read_from_a_new_root(void *name)
{
	static uint8_t data[FRAME_BYTES];
	video_frame_meta_t meta;

	open_consumer(&reader, name);
	change_the_root();
	atomic_store(&shared->joined, 1);
	for (uint32_t frame = 0; frame < FRAMES; frame++) {
		CHECK_EQ(video_shm_consumer_receive(&reader, data, sizeof(data), &meta, 0), FRAME_BYTES);
		CHECK_EQ(meta.sequence, frame);
	}
	CHECK_FAILS(video_shm_consumer_receive(&reader, data, sizeof(data), &meta, 0), EPIPE);
	video_shm_consumer_destroy(&reader);
}

static void a_reader_reads_on(void)
{
	const char *name = fresh_name();
	pid_t child;

	needs_root();
	shared = share(sizeof(*shared));
	open_producer(&writer, name);
	child = start_child(read_from_a_new_root, (void *)(uintptr_t)name);
	await_least(&shared->joined, 1);
	for (uint32_t frame = 0; frame < FRAMES; frame++) {
		CHECK_EQ(write_pattern(&writer, frame, FRAME_BYTES, frame == 0), 0);
		sleep_ms(EVERY_MS);
	}
	video_shm_producer_destroy(&writer);
	CHECK_EQ(await_child(child), 0);
}

TEST_MAIN(60, TEST(a_writer_writes_on), TEST(a_reader_reads_on))
