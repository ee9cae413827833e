/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c: the writer's hold on its object. */
#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "named_object.h"
#include "segment.h"

static char path[SEGMENT_PATH_MAX];
static struct segment_identity identity;

static int open_there(void)
{
	return segment_open(path, O_RDONLY, &identity);
}

static void a_hold_keeps_every_other_out_until_it_is_closed(void)
{
	const int fd = object_make(path);
	const int reader = open_there(), second = segment_open(path, O_RDWR, &identity);

	CHECK(!segment_is_held(reader));
	CHECK(segment_hold(fd));
	CHECK(segment_hold(fd)); /* its own is no obstacle */
	CHECK(!segment_hold(second));
	CHECK(segment_is_held(reader) && segment_is_held(second));
	CHECK_EQ(close(fd), 0);
	CHECK(!segment_is_held(reader));
	CHECK(segment_hold(second));
}

static void a_pin_keeps_the_hold_when_its_descriptor_is_closed(void)
{
	const int fd = object_make(path);
	const int reader = open_there(), second = segment_open(path, O_RDWR, &identity);
	void *pin = segment_pin(fd);

	CHECK(pin != NULL);
	CHECK(segment_hold(fd));
	CHECK_EQ(close(fd), 0);
	CHECK(segment_is_held(reader) && !segment_hold(second));
	segment_unpin(pin);
	CHECK(!segment_is_held(reader) && segment_hold(second));
	segment_unpin(NULL);
}

/* For a mapping of the ring keeps its open file, in a child that was not forked by fork() too. */
static void what_is_opened_again_has_no_part_in_the_hold(void)
{
	const int fd = object_make(path);
	const int reader = open_there(), again = segment_reopen(fd);

	CHECK(segment_map(again, OBJECT_BYTES, true) != NULL);
	CHECK(segment_hold(fd));
	CHECK_EQ(close(fd), 0);
	CHECK(!segment_is_held(reader));
}

/* Anybody who may read the ring can take a read lock: for readers, its writer would live for ever. */
static void a_readers_lock_is_no_writers_hold(void)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	const int fd = object_make(path);
	const int reader = open_there(), other = open_there();

	CHECK_EQ(fcntl(reader, F_OFD_SETLK, &lock), 0);
	CHECK(!segment_is_held(other));
	CHECK(!segment_is_held(fd));
	CHECK(!segment_hold(fd)); /* so the next writer makes a ring of its own */
}

/* gVisor does not know this kind of lock, and a sandbox may refuse it: a live writer's ring would be taken,
 * or removed. Here it is a descriptor that can't be asked. */
static void where_nobody_can_ask_there_may_be_a_hold(void)
{
	const int fd = object_make(path);
	const int other = open(path, O_PATH | O_CLOEXEC);

	CHECK(other >= 0 && !segment_is_held(fd));
	CHECK(segment_is_held(other));
}

TEST_MAIN(20, TEST(a_hold_keeps_every_other_out_until_it_is_closed),
		  TEST(a_pin_keeps_the_hold_when_its_descriptor_is_closed),
		  TEST(what_is_opened_again_has_no_part_in_the_hold), TEST(a_readers_lock_is_no_writers_hold),
		  TEST(where_nobody_can_ask_there_may_be_a_hold))
