/* SPDX-License-Identifier: Apache-2.0 */
/* What a browser does with a page server of the original's (original/page_server.c). */
#ifndef VSHM_PAGE_CLIENT_H
#define VSHM_PAGE_CLIENT_H

#include <stdint.h>

/* Requests that path from a port of this machine; each header ends with "\r\n". Returns a descriptor. */
int page_ask(unsigned port, const char *path, const char *headers);
/* Requests a stream, and checks the answer: frames that are written from then on arrive. */
int page_open_stream(unsigned port, const char *path);

/* Receives the next message. Returns its size, at most capacity. */
uint32_t page_receive(int stream, uint8_t *message, uint32_t capacity);

#endif
