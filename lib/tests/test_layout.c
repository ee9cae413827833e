/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c: what bindings are told is what the compiler makes of the header, for every type and field in it.
 */
#include <stddef.h>

#include "check.h"

struct known {
	const char *name;
	int64_t value;
};

#define TYPE(type) {#type, (int64_t)sizeof(type)},
#define FIELD(type, field) {#type "." #field, (int64_t)offsetof(type, field)},

/* Taken from the header itself, so that nobody can forget one. */
static const struct known all[] = {
#include "layout_fields.inc"
};

static void every_type_and_field_of_the_header_is_known_and_right(void)
{
	CHECK(sizeof(all) / sizeof(all[0]) > 80);
	for (size_t at = 0; at < sizeof(all) / sizeof(all[0]); at++)
		if (video_shm_layout(all[at].name) != all[at].value)
			check_failed(__FILE__, __LINE__, "as the header has it", "%s is %lld, not %lld", all[at].name,
						 (long long)video_shm_layout(all[at].name), (long long)all[at].value);
}

/* A binding that looks for what a later library has must be told that it is not there. */
static void what_is_unknown_is_minus_one(void)
{
	CHECK_EQ(video_shm_layout(NULL), -1);
	CHECK_EQ(video_shm_layout(""), -1);
	CHECK_EQ(video_shm_layout("video_shm_info_t.never"), -1);
	CHECK_EQ(video_shm_layout("video_shm_info_t.frames "), -1);
	CHECK_EQ(video_shm_layout("video_shm_info"), -1);
}

static void the_version_is_the_one_in_the_file(void)
{
	if (strcmp(video_shm_version(), EXPECTED_VERSION) != 0)
		check_failed(__FILE__, __LINE__, "the version is the file's", "%s, not %s", video_shm_version(),
					 EXPECTED_VERSION);
}

TEST_MAIN(10, TEST(every_type_and_field_of_the_header_is_known_and_right), TEST(what_is_unknown_is_minus_one),
		  TEST(the_version_is_the_one_in_the_file))
