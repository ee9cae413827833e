/* SPDX-License-Identifier: Apache-2.0 */
/* What the example consumer is told wrong, and what it says then. */
#include "check.h"
#include "example_session.h"
#include "processes.h"

static char ring[64];

static void fails_with(const char *words, int code, const char *message)
{
	struct session session;
	char errors[ERRORS_BYTES];

	session_start(&session, ring, words);
	CHECK_EQ(session_end(&session, errors), code);
	CHECK(strstr(errors, message) != NULL);
	CHECK(fgetc(session.output) == EOF);
	(void)fclose(session.output);
}

static void without_a_producer_it_says_what_to_start(void)
{
	(void)snprintf(ring, sizeof(ring), "%s", fresh_name());
	fails_with("", 1, "camera-streamer");
	(void)snprintf(ring, sizeof(ring), "%d", fresh_channel());
	fails_with("", 1, "video_stream_ch");
	(void)snprintf(ring, sizeof(ring), "a/b");
	fails_with("", 1, "not the name of a ring");
}

static void wrong_usage_is_exit_code_2(void)
{
	const char *wrong[] = {"-x", "-c", "-c -1", "-t -1", "-c 7x", "-t 4294967295", "-t x", "one_more", "-o"};

	(void)snprintf(ring, sizeof(ring), "%s", fresh_name()); /* a good one: it is not what is complained of */
	for (size_t at = 0; at < sizeof(wrong) / sizeof(wrong[0]); at++)
		fails_with(wrong[at], 2, "usage: video_consumer");
}

static void h_helps(void)
{
	struct session session;

	(void)snprintf(ring, sizeof(ring), "%s", fresh_name());
	session_start(&session, ring, "-h");
	says(session.output, "usage: video_consumer ");
	for (int line = 0; line < 8; line++)
		says(session.output, line == 1 ? "           (default: /video_stream, or /video_stream_ch0" : "  -");
	session_ends_well(&session);
}

TEST_MAIN(60, TEST(without_a_producer_it_says_what_to_start), TEST(wrong_usage_is_exit_code_2), TEST(h_helps))
