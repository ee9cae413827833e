/* SPDX-License-Identifier: Apache-2.0 */
/* Structs that may grow: a caller may have been compiled with an older or a newer header. */
#ifndef VSHM_OPTIONS_H
#define VSHM_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define OPTIONS_CHANNEL_NAME_MAX 40

/*
 * Copies the caller's struct of given_size bytes into known_size bytes, the rest zero; all zero if given is
 * NULL. Returns 0, or -1 with EINVAL if its size is 0, or it sets a field that this library does not know.
 */
int options_copy(void *known, uint32_t known_size, const void *given, uint32_t given_size);

/*
 * Copies as much of known as fits into the caller's struct of given_size bytes, the rest zero. Its first
 * word, the size, is not changed. Returns 0, or -1 with EINVAL.
 */
int options_fill(void *given, uint32_t given_size, const void *known, uint32_t known_size);

/* Writes "/video_stream_chN" to name. Returns 0, or -1 with EINVAL. */
int options_channel_name(char name[OPTIONS_CHANNEL_NAME_MAX], int channel);

/* Returns what follows "video_stream" in a ring's name that version 1 uses, "" or "_chN"; NULL for any other
 * name. */
const char *options_channel_suffix(const char *ring_name);

#endif
