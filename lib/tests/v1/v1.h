/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of format version 1, as they are deployed: written from the format alone, so that a mistake in the
 * library can't be made here a second time. Nothing of the library is included or linked.
 *
 * Calls return 0, a size or a small positive number, and -1 with errno.
 */
#ifndef V1_H
#define V1_H

#include <assert.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>

#define V1_MAGIC 0x56494445u
#define V1_VERSION 1u
#define V1_SLOTS 30u
#define V1_CAPACITY 524288u
#define V1_NO_CHANNEL (-1) /* the ring /video_stream itself */

struct v1_meta {
	uint64_t timestamp_ms;
	uint32_t size;
	uint32_t sequence;
	uint8_t is_keyframe;
	uint8_t codec;
	uint16_t width;
	uint16_t height;
	uint8_t fps;
	uint8_t zero[9];
};

struct v1_slot {
	struct v1_meta meta;
	uint8_t data[V1_CAPACITY];
};

struct v1_ring {
	_Atomic uint32_t magic;
	_Atomic uint32_t version;
	_Atomic uint32_t write_idx;
	_Atomic uint32_t read_idx;
	_Atomic uint32_t frame_count;
	_Atomic uint32_t dropped_frames;
	_Atomic uint32_t active_readers;
	uint32_t zero[9];
	struct v1_slot slots[V1_SLOTS];
};

static_assert(sizeof(struct v1_meta) == 32, "metadata of a slot");
static_assert(sizeof(struct v1_slot) == 524320, "a slot");
static_assert(sizeof(struct v1_ring) == 15729664, "the whole object");

struct v1_names {
	char ring[32];
	char write[32];
	char read[32];
};

struct v1_writer {
	struct v1_ring *ring;
	sem_t *write;
	sem_t *read;
	uint32_t sequence; /* of the next frame */
	struct v1_names names;
};

struct v1_reader {
	struct v1_ring *ring;
	sem_t *write;
	sem_t *read;
	uint32_t last;  /* frame_count when it last read */
	uint32_t empty; /* wake-ups by the semaphore that found no new frame */
};

/* Sets the names of ring and semaphores of a channel, or of V1_NO_CHANNEL. */
void v1_names(struct v1_names *names, int channel);

/*
 * Removes what has the names, whoever it belongs to, and makes ring and semaphores. With start_count the ring
 * looks as if that many frames had been written before: sequence and counters begin there, and the slots
 * before are filled with small frames.
 */
int v1_writer_init(struct v1_writer *writer, int channel, uint32_t start_count);

/*
 * Returns 0; 1 if the semaphore was taken and the frame is lost; -1 with EINVAL. Ignores meta's size and
 * sequence.
 */
int v1_writer_write(struct v1_writer *writer, const uint8_t *data, uint32_t size, const struct v1_meta *meta);

/* Unlinks all three names, whoever they belong to by now. */
void v1_writer_destroy(struct v1_writer *writer);

/* Returns 0, or -1 with EPROTO if magic or version differ, or with the system's errno (ENOENT). */
int v1_reader_init(struct v1_reader *reader, int channel);

/*
 * Waits on the semaphore, for ever with timeout_ms 0, and copies the newest frame, at most V1_CAPACITY
 * bytes. Returns its size; 0 if the time is up, or a token came without a frame (counted in reader->empty);
 * -1 with EINTR, or with EPROTO for an invalid size.
 */
int v1_reader_wait(struct v1_reader *reader, uint8_t *data, struct v1_meta *meta, uint32_t timeout_ms);

/* Leaves the ring, and takes itself off active_readers. */
void v1_reader_destroy(struct v1_reader *reader);

/*
 * The pattern of the test frames. Word k of frame s, little-endian, is (s * 2654435761) ^ (k * 2246822519)
 * modulo 2^32, and the last word is cut to the size. So no word of one frame is at the same place in another
 * one.
 */
void v1_fill(uint8_t *data, uint32_t size, uint32_t sequence);

/* Returns 1 if the bytes are as v1_fill writes them, or 0 if they were altered. */
int v1_check(const uint8_t *data, uint32_t size, uint32_t sequence);

#endif
