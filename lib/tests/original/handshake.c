/* SPDX-License-Identifier: Apache-2.0 */
#include "handshake.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define TEXT_BYTES (HANDSHAKE_KEY_BYTES + sizeof(GUID) - 1)
#define BLOCK_BYTES 64u
#define DIGEST_WORDS 5u

static_assert(TEXT_BYTES == 60, "two blocks hold it and its length");

static uint32_t rotate(uint32_t word, unsigned by)
{
	return word << by | word >> (32 - by);
}

/* One block of SHA-1 (FIPS 180-4). */
static void digest_block(uint32_t digest[DIGEST_WORDS], const uint8_t block[BLOCK_BYTES])
{
	static const uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
	uint32_t a = digest[0], b = digest[1], c = digest[2], d = digest[3], e = digest[4], words[80];

	for (unsigned at = 0; at < 16; at++)
		words[at] = (uint32_t)block[4 * at] << 24 | (uint32_t)block[4 * at + 1] << 16 |
					(uint32_t)block[4 * at + 2] << 8 | block[4 * at + 3];
	for (unsigned at = 16; at < 80; at++)
		words[at] = rotate(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], 1);
	for (unsigned at = 0; at < 80; at++) {
		const uint32_t choices[] = {(b & c) | (~b & d), b ^ c ^ d, (b & c) | (b & d) | (c & d), b ^ c ^ d};
		const uint32_t next = rotate(a, 5) + choices[at / 20] + e + constants[at / 20] + words[at];

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	digest[0] += a;
	digest[1] += b;
	digest[2] += c;
	digest[3] += d;
	digest[4] += e;
}

/* The digest of 20 bytes as 28 characters, the last of them padding. */
static void encode(char accept[HANDSHAKE_ACCEPT_BYTES], const uint32_t digest[DIGEST_WORDS])
{
	static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (unsigned at = 0; at < HANDSHAKE_ACCEPT_BYTES - 2; at++) {
		const unsigned bit = 6 * at, word = bit / 32, shift = bit % 32;
		const uint64_t pair = (uint64_t)digest[word] << 32 | (word + 1 < DIGEST_WORDS ? digest[word + 1] : 0);

		accept[at] = characters[pair >> (58 - shift) & 63];
	}
	accept[HANDSHAKE_ACCEPT_BYTES - 2] = '=';
	accept[HANDSHAKE_ACCEPT_BYTES - 1] = '\0';
}

void handshake_accept(char accept[HANDSHAKE_ACCEPT_BYTES], const char *key)
{
	uint32_t digest[DIGEST_WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	uint8_t blocks[2][BLOCK_BYTES] = {{0}};

	memcpy(blocks[0], key, HANDSHAKE_KEY_BYTES);
	memcpy(blocks[0] + HANDSHAKE_KEY_BYTES, GUID, sizeof(GUID) - 1);
	blocks[0][TEXT_BYTES] = 0x80;
	blocks[1][BLOCK_BYTES - 2] = TEXT_BYTES * 8 >> 8;
	blocks[1][BLOCK_BYTES - 1] = TEXT_BYTES * 8 & 0xff;
	digest_block(digest, blocks[0]);
	digest_block(digest, blocks[1]);
	encode(accept, digest);
}
