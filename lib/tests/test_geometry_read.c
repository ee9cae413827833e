/* SPDX-License-Identifier: Apache-2.0 */
/* geometry.c: no header, however false, leads out of its object. */
#include "check.h"
#include "geometry.h"

/* What a ring says of itself, whether it is sound or not. */
struct shape {
	uint32_t slots, slot_size, media;
	uint64_t slot_offset, slot_stride;
	uint32_t extension_size;
};

static const struct shape sound = {8, 1000, 0, 2016, 4096, sizeof(struct layout_extension)};

static struct layout_header header;
static struct layout_extension extension;

/* Writes header and extension that agree in all that the shape leaves open. Returns the object's size. */
static uint64_t lay_out(const struct shape *shape)
{
	const uint64_t end = shape->slot_offset + shape->slots * shape->slot_stride;
	const uint64_t units = (end + LAYOUT_UNIT - 1) / LAYOUT_UNIT;

	memset(&header, 0, sizeof(header));
	memset(&extension, 0, sizeof(extension));
	header.magic = VIDEO_SHM_MAGIC;
	header.version = LAYOUT_VERSION_OTHER;
	header.extension = (uint32_t)units;
	extension.magic = LAYOUT_EXTENSION_MAGIC;
	extension.size = shape->extension_size;
	extension.slots = shape->slots;
	extension.slot_size = shape->slot_size;
	extension.slot_offset = shape->slot_offset;
	extension.slot_stride = shape->slot_stride;
	extension.line_offset = units * LAYOUT_UNIT + shape->extension_size;
	extension.object_size = extension.line_offset + shape->slots * sizeof(struct layout_line);
	extension.media = shape->media;
	return extension.object_size;
}

static int read_all(uint64_t object_size)
{
	struct geometry geometry;

	return geometry_read(&geometry, &header, &extension, object_size);
}

static void lay_out_v1(void)
{
	struct geometry plan;
	const struct shape v1 = {VIDEO_SHM_RING_SIZE, VIDEO_SHM_MAX_FRAME_SIZE, 0, 64, LAYOUT_V1_STRIDE, 256};

	CHECK_EQ(geometry_plan(&plan, VIDEO_SHM_RING_SIZE, VIDEO_SHM_MAX_FRAME_SIZE, 0), 0);
	CHECK_EQ(lay_out(&v1), plan.object_size);
	header.version = VIDEO_SHM_VERSION;
}

static void every_plan_is_read_back_as_it_was(void)
{
	static const uint32_t all[][2] = {{2, 1}, {8, 1000}, {60, 1 << 20}, {30, 524288}, {4096, 4096}};
	struct geometry plan, seen;

	for (size_t at = 0; at < sizeof(all) / sizeof(all[0]); at++) {
		CHECK_EQ(geometry_plan(&plan, all[at][0], all[at][1], VIDEO_SHM_MEDIA_AUDIO), 0);
		CHECK_EQ(lay_out(&(struct shape){plan.slots, plan.slot_size, plan.media, plan.slot_offset,
										 plan.slot_stride, sizeof(extension)}),
				 plan.object_size);
		header.version = plan.version;
		CHECK_EQ(geometry_read(&seen, &header, &extension, plan.object_size), 0);
		CHECK(geometry_same(&plan, &seen));
		seen.slots++;
		CHECK(!geometry_same(&plan, &seen));
	}
}

/* The counterpart of the next test: at each bound itself a ring is still sound. */
static void the_bounds_themselves_are_sound(void)
{
	static const struct shape shapes[] = {
		{2, 1000, 0, 2016, 4096, 256},
		{4096, 1000, 0, 2016, 4096, 256},
		{8, 1, 1, 64, 40, 256},
		{2, 256u << 20, 0, 64, (256u << 20) + 32, 256},
		{8, 1000, 0, 4096, 4096, 256},
		{8, 1000, 0, 64, 1032, 256},
		{8, 1000, 0, 64, 1032 + 8192, 256},
		{8, 1000, 0, 64, 1032, 4096},
	};

	for (size_t at = 0; at < sizeof(shapes) / sizeof(shapes[0]); at++) {
		const uint64_t size = lay_out(&shapes[at]);

		CHECK_EQ(read_all(size), 0);
		CHECK_EQ(read_all(size + 1), 0);
		CHECK_FAILS(read_all(size - 1), EPROTO);
	}
}

/* Each of these agrees with itself in all but the one thing, so no other check covers for a missing one. */
static void a_shape_out_of_bounds_is_refused(void)
{
	static const struct shape shapes[] = {
		{0, 1000, 0, 2016, 4096, 256},
		{1, 1000, 0, 2016, 4096, 256},
		{4097, 1000, 0, 2016, 4096, 256},
		{8, 0, 0, 2016, 4096, 256},
		{2, (256u << 20) + 8, 0, 64, (256u << 20) + 40, 256},
		{8, 1000, 2, 2016, 4096, 256},
		{8, 1000, 0, 56, 4096, 256}, /* in the header */
		{8, 1000, 0, 4104, 4096, 256},
		{8, 1000, 0, 2012, 4096, 256}, /* 64-bit words out of place */
		{8, 1000, 0, 2016, 1024, 256}, /* slots that overlap */
		{8, 1000, 0, 2016, 32, 256},
		{8, 1000, 0, 2016, 0, 256},
		{8, 1000, 0, 2016, 4100, 256},
		{8, 1000, 0, 2016, 1032 + 8192 + 8, 256},
		{8, 1000, 0, 2016, 4096, 192}, /* lines in the extension */
		{8, 1000, 0, 2016, 4096, 0},
		{8, 1000, 0, 2016, 4096, 288},
		{8, 1000, 0, 2016, 4096, 4096 + 64},
	};

	CHECK_EQ(read_all(lay_out(&sound)), 0);
	for (size_t at = 0; at < sizeof(shapes) / sizeof(shapes[0]); at++) {
		const uint64_t size = lay_out(&shapes[at]);

		if (read_all(size < 65536 ? 65536 : size) == 0 || errno != EPROTO)
			check_failed(__FILE__, __LINE__, "refused with EPROTO", "shape %zu, errno %d", at, errno);
	}
}

#define HEADER(field, value)                                                                                 \
	{                                                                                                        \
#field, &header.field, sizeof(header.field), value                                                   \
	}
#define EXTENSION(field, value)                                                                              \
	{                                                                                                        \
#field, &extension.field, sizeof(extension.field), value                                             \
	}

/* One word of a sound ring is false: sums that wrap, offsets beyond the end or into other parts. */
static void a_false_word_is_refused(void)
{
	const uint64_t size = lay_out(&sound);
	const struct {
		const char *name;
		void *word;
		size_t width;
		uint64_t value;
	} lies[] = {
		HEADER(magic, 0),
		HEADER(magic, 0x45444956), /* the other byte order */
		HEADER(version, 0),
		HEADER(version, 1), /* of another geometry */
		HEADER(version, 3),
		HEADER(version, UINT32_MAX),
		HEADER(extension, 0), /* version 2 without an extension */
		HEADER(extension, 1),
		HEADER(extension, header.extension - 1), /* in the last slot */
		HEADER(extension, header.extension + 1),
		HEADER(extension, size / 64 - 3), /* half of it is beyond the end */
		HEADER(extension, size / 64),
		HEADER(extension, UINT32_MAX),
		EXTENSION(magic, 0),
		EXTENSION(magic, 0x32585356),
		EXTENSION(size, 320),
		EXTENSION(size, UINT32_MAX - 63),
		EXTENSION(slots, 9),
		EXTENSION(slots, UINT32_MAX),
		EXTENSION(slot_size, 4096),
		EXTENSION(slot_size, UINT32_MAX),
		EXTENSION(slot_offset, UINT64_MAX - 7),
		EXTENSION(slot_offset, UINT64_MAX - 8 * 4096 + 1), /* the sum wraps to 0 */
		EXTENSION(slot_stride, UINT64_C(1) << 61),         /* 8 times that is 0 */
		EXTENSION(slot_stride, (UINT64_C(1) << 61) + 4096),
		EXTENSION(slot_stride, UINT64_MAX - 7),
		EXTENSION(line_offset, extension.line_offset + 64),
		EXTENSION(line_offset, extension.line_offset - 64),
		EXTENSION(line_offset, 0),
		EXTENSION(line_offset, UINT64_MAX - 8 * 64 + 1),
		EXTENSION(object_size, size + 1),
		EXTENSION(object_size, size - 1),
		EXTENSION(object_size, 0),
		EXTENSION(object_size, UINT64_MAX),
		EXTENSION(media, UINT32_MAX),
	};

	for (size_t at = 0; at < sizeof(lies) / sizeof(lies[0]); at++) {
		(void)lay_out(&sound);
		memcpy(lies[at].word, &lies[at].value, lies[at].width);
		if (read_all(size) == 0 || errno != EPROTO)
			check_failed(__FILE__, __LINE__, "refused with EPROTO", "%s, lie %zu, errno %d", lies[at].name,
						 at, errno);
	}
}

/* Moved together with its lines, so that only the slots tell: frames would be written over the counters. */
static void an_extension_inside_the_last_slot_is_refused(void)
{
	const uint64_t size = lay_out(&sound);

	header.extension--;
	extension.line_offset -= 64;
	CHECK_FAILS(read_all(size), EPROTO);
}

/* It is read before anything in it is known, so it has to lie in the object as a whole. */
static void an_extension_beyond_the_end_is_not_even_looked_at(void)
{
	uint64_t size = lay_out(&sound), offset;

	CHECK_EQ(geometry_extension_offset(&header, size, &offset), 0);
	CHECK_EQ(offset, header.extension * UINT64_C(64));
	size = offset + sizeof(extension);
	CHECK_EQ(geometry_extension_offset(&header, size, &offset), 0);
	CHECK_FAILS(geometry_extension_offset(&header, size - 1, &offset), EPROTO);
	header.extension = UINT32_MAX;
	CHECK_FAILS(geometry_extension_offset(&header, size, &offset), EPROTO);
}

/* Version 1's slots lie where they lie: a reader that took another stride from such a ring would split in two
 * minds with all version 1 readers. */
static void version_1_has_one_geometry(void)
{
	lay_out_v1();
	const uint64_t size = extension.object_size;

	CHECK_EQ(read_all(size), 0);
	extension.slot_stride += 8;
	CHECK_FAILS(read_all(size), EPROTO);
	lay_out_v1();
	extension.slots = 29;
	CHECK_FAILS(read_all(size), EPROTO);
	lay_out_v1();
	extension.slot_size -= 8;
	CHECK_FAILS(read_all(size), EPROTO);
	lay_out_v1();
	extension.object_size += 64;
	CHECK_FAILS(read_all(size + 64), EPROTO);
	lay_out_v1();
	header.extension++;
	extension.line_offset += 64;
	CHECK_FAILS(read_all(size + 64), EPROTO);
}

TEST_MAIN(20, TEST(every_plan_is_read_back_as_it_was), TEST(the_bounds_themselves_are_sound),
		  TEST(a_shape_out_of_bounds_is_refused), TEST(a_false_word_is_refused),
		  TEST(an_extension_inside_the_last_slot_is_refused),
		  TEST(an_extension_beyond_the_end_is_not_even_looked_at), TEST(version_1_has_one_geometry))
