/* SPDX-License-Identifier: Apache-2.0 */
/* geometry.c: how rings are laid out, and which version 1 rings are to be read. */
#include "check.h"
#include "geometry.h"

/* Deployed programs map this: a plan that moved it by one byte would break them all. */
static void the_v1_part_lies_where_version_1_has_it(void)
{
	struct geometry plan;

	CHECK_EQ(geometry_plan(&plan, 30, 524288, VIDEO_SHM_MEDIA_AUDIO), 0);
	CHECK_EQ(plan.version, 1);
	CHECK_EQ(plan.slots, 30);
	CHECK_EQ(plan.slot_size, 524288);
	CHECK_EQ(plan.media, VIDEO_SHM_MEDIA_AUDIO);
	CHECK_EQ(plan.slot_offset, 64);
	CHECK_EQ(plan.slot_stride, 524320);
	CHECK_EQ(plan.extension_offset, 15729664);
	CHECK_EQ(plan.line_offset, 15729664 + 256);
	CHECK_EQ(plan.object_size, 15729664 + 256 + 30 * 64);
}

/* A version 1 reader that believed it could read such a ring would read nonsense. */
static void any_other_geometry_says_version_2(void)
{
	static const uint32_t others[][2] = {{29, 524288}, {31, 524288}, {30, 524287}, {30, 524289}, {2, 1}};
	struct geometry plan;

	for (size_t at = 0; at < sizeof(others) / sizeof(others[0]); at++) {
		CHECK_EQ(geometry_plan(&plan, others[at][0], others[at][1], 0), 0);
		CHECK_EQ(plan.version, 2);
		CHECK(plan.slot_stride >= 32u + others[at][1]);
		CHECK(plan.extension_offset >= plan.slot_offset + plan.slots * plan.slot_stride);
		CHECK_EQ(plan.extension_offset % 64, 0);
	}
}

static void plans_out_of_bounds_are_refused(void)
{
	struct geometry plan;

	CHECK_FAILS(geometry_plan(&plan, 0, 1000, 0), EINVAL);
	CHECK_FAILS(geometry_plan(&plan, 1, 1000, 0), EINVAL);
	CHECK_FAILS(geometry_plan(&plan, 4097, 1000, 0), EINVAL);
	CHECK_FAILS(geometry_plan(&plan, 8, 0, 0), EINVAL);
	CHECK_FAILS(geometry_plan(&plan, 8, (256u << 20) + 1, 0), EINVAL);
	CHECK_FAILS(geometry_plan(&plan, 8, UINT32_MAX, 0), EINVAL);
	CHECK_FAILS(geometry_plan(&plan, 8, 1000, 2), EINVAL);
	CHECK_EQ(geometry_plan(&plan, 2, 1, 1), 0);
	CHECK_EQ(geometry_plan(&plan, 4096, 256u << 20, 0), 0);
	CHECK_EQ(plan.extension_offset, 2048 + UINT64_C(4096) * ((256u << 20) + 4096));
}

/* memcpy is many times slower on some processors if (target - source) modulo 4096 is 1 to 31. */
static bool is_clear(uint64_t target, uint64_t source)
{
	const uint64_t apart = (target - source) % 4096;

	return apart == 0 || apart > 31;
}

static void payload_keeps_clear_of_slow_copies(void)
{
	static const uint32_t others[][2] = {{2, 1},        {7, 4064},    {8, 4065},
										 {60, 1 << 20}, {30, 500000}, {4096, 1}};
	struct geometry plan;

	for (size_t at = 0; at < sizeof(others) / sizeof(others[0]); at++) {
		CHECK_EQ(geometry_plan(&plan, others[at][0], others[at][1], 0), 0);
		for (uint64_t slot = 0; slot < plan.slots; slot++) {
			const uint64_t payload = plan.slot_offset + 32 + slot * plan.slot_stride;

			CHECK_EQ(payload % 32, 0);
			CHECK(is_clear(payload, 0) && is_clear(0, payload));
			CHECK(is_clear(payload, 16) && is_clear(16, payload));
		}
	}
	CHECK_EQ(geometry_plan(&plan, 30, 524288, 0), 0);
	for (uint64_t slot = 0; slot < 30;
		 slot++) { /* fixed by version 1, and clear of malloc's blocks at least */
		const uint64_t payload = plan.slot_offset + 32 + slot * plan.slot_stride;

		CHECK(is_clear(payload, 16) && is_clear(16, payload));
	}
}

static void a_plain_v1_ring_needs_no_extension(void)
{
	struct layout_header header;
	struct geometry seen;

	memset(&header, 0, sizeof(header));
	header.magic = VIDEO_SHM_MAGIC;
	header.version = 1;
	CHECK_EQ(geometry_read(&seen, &header, NULL, LAYOUT_V1_SIZE), 0);
	CHECK_EQ(seen.extension_offset, 0);
	CHECK_EQ(seen.slots, 30);
	CHECK_EQ(seen.object_size, LAYOUT_V1_SIZE);
	CHECK_FAILS(geometry_read(&seen, &header, NULL, LAYOUT_V1_SIZE - 1), EPROTO);
}

/* A version 1 writer sets the size, then magic, then version: its ring is not foreign, but not ready. */
static void a_v1_ring_in_the_making_is_not_ready(void)
{
	struct layout_header header;
	uint64_t offset;

	memset(&header, 0, sizeof(header));
	CHECK_FAILS(geometry_extension_offset(&header, LAYOUT_V1_SIZE, &offset), EAGAIN);
	header.magic = VIDEO_SHM_MAGIC;
	CHECK_FAILS(geometry_extension_offset(&header, LAYOUT_V1_SIZE, &offset), EAGAIN);
	CHECK_FAILS(geometry_extension_offset(&header, LAYOUT_V1_SIZE - 1, &offset), EPROTO);
	CHECK_FAILS(geometry_extension_offset(&header, LAYOUT_V1_SIZE + 1, &offset), EPROTO);
	header.version = 1;
	CHECK_EQ(geometry_extension_offset(&header, LAYOUT_V1_SIZE, &offset), 0);
	CHECK_EQ(offset, 0);
	memset(&header, 0, sizeof(header));
	CHECK_FAILS(geometry_extension_offset(&header, LAYOUT_V1_SIZE - 1, &offset), EPROTO);
	CHECK_FAILS(geometry_extension_offset(&header, LAYOUT_V1_SIZE + 1, &offset), EPROTO);
	header.version = 2;
	CHECK_FAILS(geometry_extension_offset(&header, LAYOUT_V1_SIZE, &offset), EPROTO);
	header.version = 0;
	header.magic = VIDEO_SHM_MAGIC + 1;
	CHECK_FAILS(geometry_extension_offset(&header, LAYOUT_V1_SIZE, &offset), EPROTO);
}

TEST_MAIN(20, TEST(the_v1_part_lies_where_version_1_has_it), TEST(any_other_geometry_says_version_2),
		  TEST(plans_out_of_bounds_are_refused), TEST(payload_keeps_clear_of_slow_copies),
		  TEST(a_plain_v1_ring_needs_no_extension), TEST(a_v1_ring_in_the_making_is_not_ready))
