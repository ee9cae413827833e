/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a ring, from outside and by the format alone. */
#ifndef VSHM_OBJECT_BYTES_H
#define VSHM_OBJECT_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Offsets by the format alone, for the tests that write the words themselves. */
#define AT_MAGIC 0u
#define AT_VERSION 4u
#define AT_WRITE_IDX 8u
#define AT_FRAME_COUNT 16u
#define AT_ACTIVE_READERS 24u
#define AT_EXTENSION 28u
#define V1_OBJECT_SIZE 15729664u
#define EXTENSION_FRAMES 128u /* from the extension's begin */

void poke(const char *name, uint64_t offset, const void *bytes, size_t size);
void poke32(const char *name, uint64_t offset, uint32_t value);
void poke64(const char *name, uint64_t offset, uint64_t value);
uint32_t peek32(const char *name, uint64_t offset);
/* Makes a new object of that size, all zero. */
void make_object(const char *name, uint64_t size);

#endif
