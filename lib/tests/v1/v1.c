/* SPDX-License-Identifier: Apache-2.0 */
#include "v1.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAST_SIZE 64u /* bytes of the frames that were there before the first one */

void v1_names(struct v1_names *names, int channel)
{
	char suffix[16] = "";

	if (channel >= 0)
		snprintf(suffix, sizeof(suffix), "_ch%d", channel);
	snprintf(names->ring, sizeof(names->ring), "/video_stream%s", suffix);
	snprintf(names->write, sizeof(names->write), "/video_sem_write%s", suffix);
	snprintf(names->read, sizeof(names->read), "/video_sem_read%s", suffix);
}

static uint32_t pattern(uint32_t sequence, uint32_t word)
{
	return (sequence * 2654435761u) ^ (word * 2246822519u);
}

void v1_fill(uint8_t *data, uint32_t size, uint32_t sequence)
{
	uint32_t at = 0;

	for (; at + 4 <= size; at += 4) {
		const uint32_t word = pattern(sequence, at / 4);
		const uint8_t bytes[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16),
								  (uint8_t)(word >> 24)};

		memcpy(data + at, bytes, 4);
	}
	for (; at < size; at++)
		data[at] = (uint8_t)(pattern(sequence, at / 4) >> (8 * (at % 4)));
}

int v1_check(const uint8_t *data, uint32_t size, uint32_t sequence)
{
	uint32_t at = 0;

	for (; at + 4 <= size; at += 4) {
		const uint32_t word = (uint32_t)data[at] | (uint32_t)data[at + 1] << 8 |
							  (uint32_t)data[at + 2] << 16 | (uint32_t)data[at + 3] << 24;

		if (word != pattern(sequence, at / 4))
			return 0;
	}
	for (; at < size; at++) {
		if (data[at] != (uint8_t)(pattern(sequence, at / 4) >> (8 * (at % 4))))
			return 0;
	}
	return 1;
}

/* Pretends that start_count frames were written: a reader may look at the slots behind the counters. */
static void pretend_past(struct v1_ring *ring, uint32_t start_count)
{
	const uint32_t past = start_count < V1_SLOTS ? start_count : V1_SLOTS;

	for (uint32_t sequence = start_count - past; sequence != start_count; sequence++) {
		struct v1_slot *slot = &ring->slots[sequence % V1_SLOTS];

		slot->meta = (struct v1_meta){.timestamp_ms = 1, .size = PAST_SIZE, .sequence = sequence};
		v1_fill(slot->data, PAST_SIZE, sequence);
	}
	atomic_store(&ring->write_idx, start_count);
	atomic_store(&ring->frame_count, start_count);
}

static struct v1_ring *map_ring(int fd)
{
	void *memory = mmap(NULL, sizeof(struct v1_ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static struct v1_ring *make_ring(const char *name, uint32_t start_count)
{
	struct v1_ring *ring = NULL;

	shm_unlink(name);
	const int fd = shm_open(name, O_CREAT | O_RDWR, 0666);

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, (off_t)sizeof(*ring)))
		ring = map_ring(fd);
	close(fd);
	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	if (start_count)
		pretend_past(ring, start_count);
	atomic_store(&ring->magic, V1_MAGIC);
	atomic_store(&ring->version, V1_VERSION);
	return ring;
}

int v1_writer_init(struct v1_writer *writer, int channel, uint32_t start_count)
{
	*writer = (struct v1_writer){.write = SEM_FAILED, .read = SEM_FAILED, .sequence = start_count};
	v1_names(&writer->names, channel);
	writer->ring = make_ring(writer->names.ring, start_count);
	if (!writer->ring)
		goto failed;
	sem_unlink(writer->names.write);
	sem_unlink(writer->names.read);
	writer->write = sem_open(writer->names.write, O_CREAT, 0666, 1);
	writer->read = sem_open(writer->names.read, O_CREAT, 0666, 0);
	if (writer->write == SEM_FAILED || writer->read == SEM_FAILED)
		goto failed;
	return 0;
failed:;
	const int error = errno;

	v1_writer_destroy(writer);
	errno = error;
	return -1;
}

static uint64_t wall_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int v1_writer_write(struct v1_writer *writer, const uint8_t *data, uint32_t size, const struct v1_meta *meta)
{
	struct v1_ring *ring = writer->ring;

	if (!data || !meta || !size || size > V1_CAPACITY) {
		errno = EINVAL;
		return -1;
	}
	if (sem_trywait(writer->write)) {
		atomic_fetch_add(&ring->dropped_frames, 1);
		return 1;
	}
	struct v1_slot *slot = &ring->slots[atomic_load(&ring->write_idx) % V1_SLOTS];

	slot->meta = *meta;
	slot->meta.size = size;
	slot->meta.sequence = writer->sequence++;
	if (!slot->meta.timestamp_ms)
		slot->meta.timestamp_ms = wall_clock_ms();
	memcpy(slot->data, data, size);
	/* In order: a reader that sees the count without the bytes would blame its own code for a torn frame. */
	atomic_fetch_add(&ring->write_idx, 1);
	atomic_fetch_add(&ring->frame_count, 1);
	sem_post(writer->write);
	sem_post(writer->read);
	return 0;
}

static void leave(struct v1_ring *ring, sem_t *write, sem_t *read)
{
	if (read && read != SEM_FAILED)
		sem_close(read);
	if (write && write != SEM_FAILED)
		sem_close(write);
	if (ring)
		munmap(ring, sizeof(*ring));
}

void v1_writer_destroy(struct v1_writer *writer)
{
	leave(writer->ring, writer->write, writer->read);
	sem_unlink(writer->names.read);
	sem_unlink(writer->names.write);
	shm_unlink(writer->names.ring);
	*writer = (struct v1_writer){.ring = NULL};
}

int v1_reader_init(struct v1_reader *reader, int channel)
{
	struct v1_names names;
	struct stat status;
	int error;

	*reader = (struct v1_reader){.write = SEM_FAILED, .read = SEM_FAILED};
	v1_names(&names, channel);
	const int fd = shm_open(names.ring, O_RDWR, 0);

	if (fd < 0)
		return -1;
	/* Its writer may be just making it: to touch it then would be the end of the reader. */
	errno = EPROTO;
	if (!fstat(fd, &status) && status.st_size >= (off_t)sizeof(*reader->ring))
		reader->ring = map_ring(fd);
	error = errno;
	close(fd);
	errno = error;
	if (!reader->ring)
		return -1;
	error = EPROTO;
	if (atomic_load(&reader->ring->magic) != V1_MAGIC || atomic_load(&reader->ring->version) != V1_VERSION)
		goto failed;
	reader->write = sem_open(names.write, 0);
	if (reader->write != SEM_FAILED)
		reader->read = sem_open(names.read, 0);
	error = errno;
	if (reader->write == SEM_FAILED || reader->read == SEM_FAILED)
		goto failed;
	reader->last = atomic_load(&reader->ring->frame_count);
	atomic_fetch_add(&reader->ring->active_readers, 1);
	return 0;
failed:
	leave(reader->ring, reader->write, reader->read);
	*reader = (struct v1_reader){.ring = NULL};
	errno = error;
	return -1;
}

static int take_token(sem_t *semaphore, uint32_t timeout_ms)
{
	struct timespec until;

	if (!timeout_ms)
		return sem_wait(semaphore);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(timeout_ms / 1000);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return sem_timedwait(semaphore, &until);
}

int v1_reader_wait(struct v1_reader *reader, uint8_t *data, struct v1_meta *meta, uint32_t timeout_ms)
{
	struct v1_ring *ring = reader->ring;

	if (take_token(reader->read, timeout_ms))
		return errno == ETIMEDOUT ? 0 : -1;
	if (atomic_load(&ring->frame_count) == reader->last) {
		reader->empty++;
		return 0;
	}
	const struct v1_slot *slot = &ring->slots[(atomic_load(&ring->write_idx) - 1u) % V1_SLOTS];

	*meta = slot->meta;
	if (!meta->size || meta->size > V1_CAPACITY) {
		errno = EPROTO;
		return -1;
	}
	memcpy(data, slot->data, meta->size);
	reader->last = atomic_load(&ring->frame_count);
	return (int)meta->size;
}

void v1_reader_destroy(struct v1_reader *reader)
{
	if (!reader->ring)
		return;
	atomic_fetch_sub(&reader->ring->active_readers, 1);
	leave(reader->ring, reader->write, reader->read);
	*reader = (struct v1_reader){.ring = NULL};
}
