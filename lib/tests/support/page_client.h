/* SPDX-License-Identifier: Apache-2.0 */
/* What a browser does with a page server of the original's (original/page_server.c). */
#ifndef VSHM_PAGE_CLIENT_H
#define VSHM_PAGE_CLIENT_H

#include <stdint.h>

/* Asks this machine's port for that path; headers end with "\r\n" each. A descriptor. */
int page_ask(unsigned port, const char *path, const char *headers);
/* Asks for a stream, and claims that the answer is as it should be: what is written from then on comes. */
int page_open_stream(unsigned port, const char *path);

/* The next message; its size, at most capacity. */
uint32_t page_receive(int stream, uint8_t *message, uint32_t capacity);

#endif
