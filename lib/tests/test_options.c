/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: structs of callers that were compiled against an older or a newer header. */
#include "check.h"
#include "options.h"

struct grown {
	uint32_t struct_size;
	uint32_t one;
	uint64_t two;
	uint64_t three;
};

static const struct grown full = {sizeof(full), 1, 2, 3};

static void no_options_are_all_defaults(void)
{
	struct grown known = full;

	CHECK_EQ(options_copy(&known, sizeof(known), NULL, 0), 0);
	CHECK(known.struct_size == 0 && known.one == 0 && known.two == 0 && known.three == 0);
}

/* An older caller's struct ends earlier, and what is behind it in memory is not his. */
static void an_older_struct_leaves_the_rest_at_its_default(void)
{
	struct grown known = full;

	CHECK_EQ(options_copy(&known, sizeof(known), &full, 16), 0);
	CHECK(known.one == 1 && known.two == 2 && known.three == 0);
	known = full;
	CHECK_EQ(options_copy(&known, sizeof(known), &full, 4), 0);
	CHECK(known.one == 0 && known.two == 0 && known.three == 0);
}

/* A newer caller who asks for something that this library does not know must hear of it. */
static void a_newer_struct_is_taken_only_if_it_asks_for_nothing_unknown(void)
{
	struct grown given = full, known;

	CHECK_FAILS(options_copy(&known, 16, &given, sizeof(given)), EINVAL);
	given.three = UINT64_C(1) << 56; /* the very last byte */
	CHECK_FAILS(options_copy(&known, 16, &given, sizeof(given)), EINVAL);
	given.three = 0;
	known = full;
	CHECK_EQ(options_copy(&known, 16, &given, sizeof(given)), 0);
	CHECK(known.one == 1 && known.two == 2 && known.three == 3); /* and not a byte beyond what is known */
}

/* Left at zero, or never set at all: a size from the stack would have us read anywhere. */
static void a_size_that_was_never_set_is_refused(void)
{
	static const uint32_t sizes[] = {0, 1, 3, 65537, UINT32_MAX};
	struct grown known, given = full;

	for (size_t at = 0; at < sizeof(sizes) / sizeof(sizes[0]); at++) {
		CHECK_FAILS(options_copy(&known, sizeof(known), &full, sizes[at]), EINVAL);
		CHECK_FAILS(options_fill(&given, sizes[at], &full, sizeof(full)), EINVAL);
		CHECK(memcmp(&given, &full, sizeof(full)) == 0);
	}
	static const uint8_t zero[70000];

	CHECK_EQ(options_copy(&known, sizeof(known), zero, 65536), 0);
	CHECK_FAILS(options_copy(&known, sizeof(known), zero, 65537), EINVAL);
}

static void an_older_caller_gets_what_fits_and_not_a_byte_more(void)
{
	struct grown given = {16, 77, 77, 77};

	CHECK_EQ(options_fill(&given, 16, &full, sizeof(full)), 0);
	CHECK_EQ(given.struct_size, 16); /* the caller's own */
	CHECK(given.one == 1 && given.two == 2 && given.three == 77);
	given = (struct grown){4, 77, 77, 77};
	CHECK_EQ(options_fill(&given, 4, &full, sizeof(full)), 0);
	CHECK(given.struct_size == 4 && given.one == 77);
}

/* A field that this library does not fill would keep what was on the caller's stack. */
static void a_newer_caller_gets_zero_in_what_is_unknown(void)
{
	struct grown given = {sizeof(given), 77, 77, 77};

	CHECK_EQ(options_fill(&given, sizeof(given), &full, 16), 0);
	CHECK_EQ(given.struct_size, sizeof(given));
	CHECK(given.one == 1 && given.two == 2 && given.three == 0);
}

static void channels_have_the_names_of_version_1(void)
{
	char name[OPTIONS_CHANNEL_NAME_MAX];

	CHECK_EQ(options_channel_name(name, 0), 0);
	CHECK(strcmp(name, "/video_stream_ch0") == 0);
	CHECK_EQ(options_channel_name(name, INT32_MAX), 0);
	CHECK(strcmp(name, "/video_stream_ch2147483647") == 0);
	CHECK_FAILS(options_channel_name(name, -1), EINVAL);
	CHECK_FAILS(options_channel_name(name, INT32_MIN), EINVAL);
}

TEST_MAIN(10, TEST(no_options_are_all_defaults), TEST(an_older_struct_leaves_the_rest_at_its_default),
		  TEST(a_newer_struct_is_taken_only_if_it_asks_for_nothing_unknown),
		  TEST(a_size_that_was_never_set_is_refused),
		  TEST(an_older_caller_gets_what_fits_and_not_a_byte_more),
		  TEST(a_newer_caller_gets_zero_in_what_is_unknown), TEST(channels_have_the_names_of_version_1))
