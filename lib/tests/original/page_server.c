/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_server CHANNEL: a page, and behind it the stream over WebSocket. Who asks with ?channel=N gets
 * messages of that channel, with its number as a byte in front; who does not gets CHANNEL's, without. Behind
 * each unit stand 8 bytes of time stamp. The port is on stdout's first line.
 */
#include "handshake.h"
#include "program.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT_MS 100
#define REQUEST_BYTES 1024u
#define BINARY 0x82u
#define HEADER_BYTES 10u
#define PAGE "<!DOCTYPE html><title>Video</title><script>new WebSocket('ws://' + location.host)</script>\n"

static const char *default_channel;
static atomic_int clients;

static int send_all(int client, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		const ssize_t sent = send(client, at, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return -1;
		at += sent;
		size -= (size_t)sent;
	}
	return 0;
}

static int send_text(int client, const char *text)
{
	return send_all(client, text, strlen(text));
}

/* Receives a request up to its empty line. Returns 0 or -1. */
static int receive_request(int client, char request[REQUEST_BYTES])
{
	size_t length = 0;

	do {
		const ssize_t received = recv(client, request + length, REQUEST_BYTES - 1 - length, 0);

		if (received <= 0)
			return -1;
		length += (size_t)received;
		request[length] = '\0';
	} while (!strstr(request, "\r\n\r\n"));
	return 0;
}

static void send_page(int client)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
				   "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n\r\n%s",
				   strlen(PAGE), PAGE);
	(void)send_text(client, text);
}

static int send_upgrade(int client, const char *key)
{
	char accept[HANDSHAKE_ACCEPT_BYTES], text[256];

	handshake_accept(accept, key);
	(void)snprintf(text, sizeof(text),
				   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				   "Sec-WebSocket-Accept: %s\r\n\r\n",
				   accept);
	return send_text(client, text);
}

/* A number of so many bytes, the most significant first, as the network has them. */
static void put(uint8_t *at, size_t number, unsigned bytes)
{
	for (unsigned byte = 0; byte < bytes; byte++)
		at[byte] = (uint8_t)((uint64_t)number >> 8 * (bytes - 1 - byte));
}

/* Writes a message's header, with its length in the fewest bytes. Returns the header's size. */
static size_t begin_message(uint8_t head[HEADER_BYTES], size_t length)
{
	const unsigned bytes = length < 126 ? 1 : length < 65536 ? 2 : 8;

	head[0] = BINARY;
	head[1] = bytes == 2 ? 126 : 127;
	put(head + (bytes == 1 ? 1 : 2), length, bytes);
	return bytes == 1 ? 2 : 2 + bytes;
}

static int send_message(int client, const char *channel, const uint8_t *unit, uint32_t size,
						const video_frame_meta_t *meta)
{
	uint8_t head[HEADER_BYTES + 1], stamp[8];
	size_t begun = begin_message(head, size + sizeof(stamp) + (channel ? 1 : 0));

	if (channel)
		head[begun++] = (uint8_t)atoi(channel);
	for (unsigned byte = 0; byte < sizeof(stamp); byte++)
		stamp[byte] = (uint8_t)(meta->timestamp_ms >> 8 * byte);
	return send_all(client, head, begun) || send_all(client, unit, size) ||
				   send_all(client, stamp, sizeof(stamp))
			   ? -1
			   : 0;
}

/* Sends messages until the client is gone, the program is to end, or the ring reports an error. */
static void send_messages(int client, const char *channel, video_shm_consumer_t *consumer)
{
	uint8_t *unit = malloc(VIDEO_SHM_MAX_FRAME_SIZE);
	video_frame_meta_t meta;

	while (unit && program_running) {
		const int size = video_shm_consumer_wait(consumer, unit, &meta, TIMEOUT_MS);

		if (size < 0) {
			fprintf(stderr, "page_server: no more frames\n");
			break;
		}
		if (size > 0 && send_message(client, channel, unit, (uint32_t)size, &meta) < 0)
			break;
	}
	free(unit);
}

/* It has joined before it says so. */
static void stream(int client, const char *channel, const char *key)
{
	video_shm_consumer_t consumer;

	if (program_join(&consumer, channel ? channel : default_channel) < 0) {
		(void)send_text(client, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	if (send_upgrade(client, key) == 0)
		send_messages(client, channel, &consumer);
	video_shm_consumer_destroy(&consumer);
}

/* Returns a header's value in the request if it has that many characters, or NULL. */
static const char *value_of(const char *request, const char *name, size_t characters)
{
	const char *at = strstr(request, name);

	return at && strlen(at) >= strlen(name) + characters ? at + strlen(name) : NULL;
}

static void *serve(void *argument)
{
	const struct timeval patience = {.tv_sec = 1}; /* browsers open connections that they may never use */
	const int client = (int)(intptr_t)argument;
	char request[REQUEST_BYTES];
	const char *key;

	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (receive_request(client, request) == 0) {
		key = value_of(request, "Sec-WebSocket-Key: ", HANDSHAKE_KEY_BYTES);
		if (key)
			stream(client, value_of(request, "?channel=", 1), key);
		else
			send_page(client);
	}
	close(client);
	atomic_fetch_sub(&clients, 1);
	return NULL;
}

static int listen_anywhere(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(address);

	if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 8) != 0 ||
		getsockname(listener, (struct sockaddr *)&address, &size) != 0)
		return -1;
	printf("%u\n", ntohs(address.sin_port));
	return listener;
}

static void accept_one(int listener)
{
	const int client = accept(listener, NULL, NULL);
	pthread_t thread;

	if (client < 0)
		return;
	atomic_fetch_add(&clients, 1);
	if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) != 0) {
		close(client);
		atomic_fetch_sub(&clients, 1);
		return;
	}
	pthread_detach(thread);
}

int main(int argc, char **argv)
{
	struct pollfd listener = {.events = POLLIN};

	if (argc != 2) {
		fprintf(stderr, "usage: %s CHANNEL\n", argv[0]);
		return 2;
	}
	default_channel = argv[1];
	program_begin();
	listener.fd = listen_anywhere();
	if (listener.fd < 0) {
		perror("page_server");
		return 1;
	}
	while (program_running)
		if (poll(&listener, 1, TIMEOUT_MS) > 0)
			accept_one(listener.fd);
	while (atomic_load(&clients) > 0) /* each sees it within its timeout */
		usleep(10000);
	return 0;
}
