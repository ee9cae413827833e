/* SPDX-License-Identifier: Apache-2.0 */
#include "page_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

/* RFC 6455's own example, whose answer it states. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define BINARY 0x82

int page_ask(unsigned port, const char *path, const char *headers)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[512];
	int length;

	CHECK(client >= 0);
	CHECK_EQ(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
	length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", path, port,
					  headers);
	CHECK_EQ(send(client, request, (size_t)length, MSG_NOSIGNAL), length);
	return client;
}

static void receive(int client, uint8_t *bytes, size_t count)
{
	CHECK_EQ(recv(client, bytes, count, MSG_WAITALL), (long long)count);
}

int page_open_stream(unsigned port, const char *path)
{
	const int stream = page_ask(port, path,
								"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
								"Sec-WebSocket-Key: " KEY "\r\n");
	char answer[512] = "";

	for (size_t length = 0; strstr(answer, "\r\n\r\n") == NULL; length++) { /* nothing of the first message */
		CHECK(length < sizeof(answer) - 1);
		receive(stream, (uint8_t *)&answer[length], 1);
	}
	CHECK(strncmp(answer, "HTTP/1.1 101 ", 13) == 0);
	CHECK(strstr(answer, "\r\nSec-WebSocket-Accept: " ACCEPT "\r\n") != NULL);
	return stream;
}

uint32_t page_receive(int stream, uint8_t *message, uint32_t capacity)
{
	uint8_t head[2], length[8];
	uint64_t size = 0;

	receive(stream, head, sizeof(head));
	CHECK_EQ(head[0], BINARY);
	CHECK(head[1] <= 127); /* a server masks nothing */
	if (head[1] < 126) {
		size = head[1];
	} else {
		const size_t bytes = head[1] == 126 ? 2 : 8;

		receive(stream, length, bytes);
		for (size_t at = 0; at < bytes; at++)
			size = size << 8 | length[at];
		CHECK(size >= (bytes == 2 ? 126u : 65536u)); /* stated in as few bytes as it takes */
	}
	CHECK(size <= capacity);
	receive(stream, message, (size_t)size);
	return (uint32_t)size;
}
