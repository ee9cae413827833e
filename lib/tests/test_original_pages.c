/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page server as users of the original have it (original/page_server.c): a thread and a reader for each
 * client, of whom some know nothing of channels. It runs unchanged, and no client hears of a restart.
 */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "page_client.h"
#include "processes.h"

#define STAMP_BYTES 8u
#define FIRST_MS 1700000000000u
#define LARGEST 70000u

static struct server {
	pid_t pid;
	FILE *output;
	unsigned port;
} server;

static int channels[2]; /* who asks for none gets the first */
static video_shm_producer_t writers[2];

static void serve(void)
{
	char text[16], *argv[] = {(char *)(uintptr_t)PAGE_SERVER, text, NULL};

	for (unsigned at = 0; at < 2; at++) {
		do /* its number is to fit into the message's one byte */
			channels[at] = fresh_channel();
		while (channels[at] % 256 == 0);
		open_channel_producer(&writers[at], channels[at]);
	}
	(void)snprintf(text, sizeof(text), "%d", channels[0]);
	server.pid = start_program(argv, &server.output);
	CHECK_EQ(fscanf(server.output, "%u", &server.port), 1);
}

static int open_numbered_stream(unsigned at)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/?channel=%d", channels[at]);
	return page_open_stream(server.port, path);
}

static void write_one(unsigned at, uint64_t frame, uint32_t size)
{
	static uint8_t data[LARGEST];
	const video_frame_meta_t meta = {.timestamp_ms = FIRST_MS + frame, .is_keyframe = 1};

	fill_pattern(data, size, frame);
	CHECK_EQ(video_shm_producer_write(&writers[at], data, size, &meta), 0);
}

/* The unit, and its time stamp; where a channel was asked for, its number is in front. */
static void receives(int stream, int asked_for, uint64_t frame, uint32_t size)
{
	static uint8_t message[1 + LARGEST + STAMP_BYTES];
	const uint32_t head = asked_for >= 0 ? 1 : 0;
	uint64_t stamp = 0;

	CHECK_EQ(page_receive(stream, message, sizeof(message)), head + size + STAMP_BYTES);
	if (asked_for >= 0)
		CHECK_EQ(message[0], (uint8_t)asked_for);
	CHECK(has_pattern(message + head, size, frame));
	for (unsigned byte = 0; byte < STAMP_BYTES; byte++)
		stamp |= (uint64_t)message[head + size + byte] << 8 * byte;
	CHECK_EQ(stamp, FIRST_MS + frame);
}

static void end_server(void)
{
	CHECK_EQ(kill(server.pid, SIGINT), 0);
	child_succeeds(server.pid);
	(void)fclose(server.output);
	for (unsigned at = 0; at < 2; at++)
		video_shm_producer_destroy(&writers[at]);
}

static void who_asks_with_a_channel_has_its_number_in_front_and_who_does_not_has_not(void)
{
	const uint32_t sizes[] = {1, 100, 116, 117, 118, 65526, 65527, 65528, LARGEST};
	int plain, first, second;

	serve();
	plain = page_open_stream(server.port, "/");
	first = open_numbered_stream(0);
	second = open_numbered_stream(1);
	for (uint64_t frame = 0; frame < sizeof(sizes) / sizeof(*sizes); frame++) {
		write_one(0, frame, sizes[frame]);
		write_one(1, 100 + frame, sizes[frame]);
		receives(plain, -1, frame, sizes[frame]);
		receives(first, channels[0], frame, sizes[frame]);
		receives(second, channels[1], 100 + frame, sizes[frame]);
	}
	end_server();
	(void)close(plain);
	(void)close(first);
	(void)close(second);
}

static void no_client_hears_of_a_restart(void)
{
	int plain, numbered;

	serve();
	plain = page_open_stream(server.port, "/");
	numbered = open_numbered_stream(0);
	for (uint64_t turn = 0; turn < 4; turn++) {
		write_one(0, turn, 500);
		receives(plain, -1, turn, 500);
		receives(numbered, channels[0], turn, 500);
		video_shm_producer_destroy(&writers[0]);
		sleep_ms(120); /* each asks at least once where nobody is */
		open_channel_producer(&writers[0], channels[0]);
	}
	end_server();
	(void)close(plain);
	(void)close(numbered);
}

static void a_page_is_served_and_a_channel_that_is_not_there_refused(void)
{
	char answer[1024] = "", path[48];
	int client;

	serve();
	client = page_ask(server.port, "/", "");
	CHECK(recv(client, answer, sizeof(answer) - 1, MSG_WAITALL) > 0);
	CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
	CHECK(strstr(answer, "<!DOCTYPE html>") != NULL);
	(void)close(client);
	(void)snprintf(path, sizeof(path), "/?channel=%d", fresh_channel());
	client = page_ask(server.port, path, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
	CHECK(recv(client, answer, 13, MSG_WAITALL) == 13);
	CHECK(strncmp(answer, "HTTP/1.1 503 ", 13) == 0);
	(void)close(client);
	end_server();
}

/* Which of its threads gets the signal is the kernel's choice. */
static void ctrl_c_ends_it_with_0_while_its_threads_wait(void)
{
	for (unsigned has_writer = 0; has_writer < 2; has_writer++) {
		int streams[4];

		serve();
		for (unsigned at = 0; at < 4; at++)
			streams[at] = open_numbered_stream(at % 2);
		if (has_writer == 0)
			video_shm_producer_destroy(&writers[0]);
		end_server();
		for (unsigned at = 0; at < 4; at++)
			(void)close(streams[at]);
	}
}

TEST_MAIN(60, TEST(who_asks_with_a_channel_has_its_number_in_front_and_who_does_not_has_not),
		  TEST(no_client_hears_of_a_restart), TEST(a_page_is_served_and_a_channel_that_is_not_there_refused),
		  TEST(ctrl_c_ends_it_with_0_while_its_threads_wait))
