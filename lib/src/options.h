/* SPDX-License-Identifier: Apache-2.0 */
/* Structs that grow: a caller may have been compiled against an older or a newer header. */
#ifndef VSHM_OPTIONS_H
#define VSHM_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define OPTIONS_CHANNEL_NAME_MAX 40

/*
 * Copies the caller's struct of given_size bytes over known_size zero bytes. given NULL: all zero.
 * 0, or -1 with EINVAL: its size is 0, or it asks for something that this library does not know.
 */
int options_copy(void *known, uint32_t known_size, const void *given, uint32_t given_size);

/*
 * Gives the caller as much of known as fits his struct of given_size bytes; what is beyond known becomes
 * zero. The first word, the struct's size, stays the caller's. 0, or -1 with EINVAL.
 */
int options_fill(void *given, uint32_t given_size, const void *known, uint32_t known_size);

/* "/video_stream_chN". 0, or -1 with EINVAL. */
int options_channel_name(char name[OPTIONS_CHANNEL_NAME_MAX], int channel);

#endif
