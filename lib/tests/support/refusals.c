/* SPDX-License-Identifier: Apache-2.0 */
#include "refusals.h"

#include "check.h"
#include "frames.h"
#include "object_bytes.h"

const char *made_as(const char *name, uint64_t size, uint32_t magic, uint32_t version)
{
	make_object(name, size);
	if (magic != 0)
		poke32(name, AT_MAGIC, magic);
	if (version != 0)
		poke32(name, AT_VERSION, version);
	return name;
}

void check_same(const struct stat *before, const struct stat *after)
{
	CHECK_EQ(after->st_ino, before->st_ino);
	CHECK_EQ(after->st_mode, before->st_mode);
	CHECK_EQ(after->st_uid, before->st_uid);
	CHECK_EQ(after->st_gid, before->st_gid);
	CHECK_EQ(after->st_size, before->st_size);
	CHECK_EQ(after->st_blocks, before->st_blocks);
	CHECK_EQ(after->st_mtim.tv_sec, before->st_mtim.tv_sec);
	CHECK_EQ(after->st_mtim.tv_nsec, before->st_mtim.tv_nsec);
}

/* The calls that only look. */
void is_refused_to_readers(const char *name, int error)
{
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options), .name = name};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_slot_t slots[2] = {{.struct_size = sizeof(slots[0])}};
	video_shm_consumer_t consumer;
	struct stat before, after;

	CHECK_EQ(lstat(shm_path(name), &before), 0);
	CHECK_FAILS(video_shm_consumer_open(&consumer, &options), error);
	CHECK_FAILS(video_shm_consumer_descriptor(&consumer), EBADF);
	CHECK_FAILS(video_shm_inspect(name, &info), error);
	CHECK_FAILS(video_shm_inspect_slots(name, slots, 2), error);
	CHECK_EQ(lstat(shm_path(name), &after), 0);
	check_same(&before, &after);
}

void is_refused_to_all(const char *name, int error)
{
	const video_shm_producer_options_t options = {.struct_size = sizeof(options), .name = name};
	video_shm_producer_t producer;
	struct stat before, after;

	is_refused_to_readers(name, error);
	CHECK_EQ(lstat(shm_path(name), &before), 0);
	CHECK_FAILS(video_shm_producer_open(&producer, &options), error);
	CHECK_EQ(lstat(shm_path(name), &after), 0);
	check_same(&before, &after);
}

/* A writer may have what nobody holds and what is no ring yet: a version 1 writer that died there. */
void is_taken_by_a_writer(const char *name, uint64_t frames)
{
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;

	open_producer(&producer, name);
	open_consumer(&consumer, name);
	CHECK_EQ(write_pattern(&producer, frames, 100, true), 0);
	CHECK_EQ(info_of(&consumer).frames, frames + 1);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}
