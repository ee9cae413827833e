/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a server in WebSocket's handshake (RFC 6455). */
#ifndef ORIGINAL_HANDSHAKE_H
#define ORIGINAL_HANDSHAKE_H

#define HANDSHAKE_KEY_BYTES 24u
#define HANDSHAKE_ACCEPT_BYTES 29u /* with its end */

/* Sets accept to Sec-WebSocket-Accept for a Sec-WebSocket-Key of HANDSHAKE_KEY_BYTES characters. */
void handshake_accept(char accept[HANDSHAKE_ACCEPT_BYTES], const char *key);

#endif
