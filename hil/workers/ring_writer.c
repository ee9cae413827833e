/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer without a camera, paced or as fast as possible. It starts when its tape says so; SIGTERM ends it.
 * Every frame ends with its own number, so that no two are alike, and its CRC-32 is known before the write.
 */
#include "cost.h"
#include "number.h"
#include "tape.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <video_shm.h>
#include <zlib.h>

#define PAYLOADS 16u
#define STAMP_BYTES 8u /* the number, little-endian, at the end */

struct options {
	const char *ring;
	const char *tape;
	uint32_t fps; /* 0: as fast as possible */
	uint32_t least, most;
	uint32_t gop;
	uint32_t frames; /* 0: no end */
	uint32_t slots, slot_size;
};

struct payload {
	uint8_t *data;
	uint32_t size;
	uint32_t crc32; /* of all but the stamp */
};

struct books {
	uint64_t written, refused, dropped;
	uint64_t ring_ns; /* CPU time in the ring */
	uint64_t checking_ns;
};

static volatile sig_atomic_t stopping;

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

static int parse(int argc, char **argv, struct options *options)
{
	int option;

	while ((option = getopt(argc, argv, "n:t:f:s:S:g:c:k:z:")) != -1) {
		switch (option) {
		case 'n':
			options->ring = optarg;
			break;
		case 't':
			options->tape = optarg;
			break;
		case 'f':
			options->fps = number_of(optarg, 100000);
			break;
		case 's':
			options->least = number_of(optarg, 256u << 20);
			break;
		case 'S':
			options->most = number_of(optarg, 256u << 20);
			break;
		case 'g':
			options->gop = number_of(optarg, INT32_MAX);
			break;
		case 'c':
			options->frames = number_of(optarg, UINT32_MAX);
			break;
		case 'k':
			options->slots = number_of(optarg, 4096);
			break;
		case 'z':
			options->slot_size = number_of(optarg, 256u << 20);
			break;
		default:
			return -1;
		}
	}
	const int sane = options->least > STAMP_BYTES && options->most >= options->least && options->gop;

	return options->ring && options->tape && sane ? 0 : -1;
}

static int make_payloads(struct payload *payloads, const struct options *options)
{
	uint32_t state = 2463534242u ^ (uint32_t)getpid(); /* the next writer's frames differ, number by number */

	for (uint32_t i = 0; i < PAYLOADS; i++) {
		struct payload *payload = &payloads[i];

		payload->size =
			options->least + (uint32_t)((uint64_t)(options->most - options->least) * i / (PAYLOADS - 1));
		payload->data = malloc(payload->size);
		if (!payload->data)
			return -1;
		for (uint32_t at = 0; at < payload->size; at++) {
			state ^= state << 13;
			state ^= state >> 17;
			state ^= state << 5;
			payload->data[at] = (uint8_t)state;
		}
		payload->crc32 = (uint32_t)crc32(0, payload->data, payload->size - STAMP_BYTES);
	}
	return 0;
}

/* Returns the CRC-32 of the payload with its stamp. */
static uint32_t stamp(const struct payload *payload, uint64_t number)
{
	uint8_t *end = payload->data + payload->size - STAMP_BYTES;

	for (uint32_t at = 0; at < STAMP_BYTES; at++)
		end[at] = (uint8_t)(number >> (8 * at));
	return (uint32_t)crc32(payload->crc32, end, STAMP_BYTES);
}

/* Counts from the last frame's time, not from now, so that the mean rate is the requested one. */
static void pace(struct timespec *next, uint32_t fps)
{
	if (!fps)
		return;
	next->tv_nsec += 1000000000L / (long)fps;
	if (next->tv_nsec >= 1000000000L) {
		next->tv_nsec -= 1000000000L;
		next->tv_sec++;
	}
	while (!stopping && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

static enum tape_kind outcome(int result, int error, struct books *books)
{
	if (result == 0) {
		books->written++;
		return TAPE_FRAME;
	}
	if (result < 0 && error == EMSGSIZE) {
		books->refused++;
		return TAPE_REFUSED;
	}
	books->dropped++;
	return TAPE_DROPPED;
}

/* Returns 0, or -1 after a message if the ring can't be written any more. */
static int write_one(video_shm_producer_t *producer, struct tape *tape, const struct payload *payload,
					 const video_frame_meta_t *meta, uint64_t number, struct books *books)
{
	struct tape_record record = {.size = payload->size,
								 .crc32 = stamp(payload, number),
								 .flags = meta->is_keyframe ? TAPE_KEYFRAME : 0};
	const uint64_t begin_ns = cpu_ns();

	record.time_ns = now_ns();
	const int result = video_shm_producer_write(producer, payload->data, payload->size, meta);
	const int error = errno;
	const uint64_t end_ns = cpu_ns();

	if (result < 0 && error != EMSGSIZE && error != ENOSPC) {
		fprintf(stderr, "writing: %s\n", strerror(error));
		return -1;
	}
	record.kind = outcome(result, error, books);
	record.number = record.kind == TAPE_FRAME ? number : TAPE_NO_NUMBER;
	tape_add(tape, &record);
	books->ring_ns += end_ns - begin_ns;
	return 0;
}

static void rest_until(const _Atomic uint32_t *go)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	while (!stopping && !(go && atomic_load(go)))
		nanosleep(&moment, NULL);
}

static int run(video_shm_producer_t *producer, struct tape *tape, const struct options *options,
			   const struct payload *payloads, uint64_t first, struct books *books)
{
	struct timespec next;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (uint64_t count = 0; !stopping && !result && (!options->frames || count < options->frames); count++) {
		const video_frame_meta_t meta = {.is_keyframe = count % options->gop == 0,
										 .width = 1920,
										 .height = 1080,
										 .fps = (uint8_t)(options->fps < 255 ? options->fps : 255)};

		result = write_one(producer, tape, &payloads[count % PAYLOADS], &meta, first + books->written, books);
		pace(&next, options->fps);
	}
	if (!result) /* all were written: the ring stays until it is told to end */
		rest_until(NULL);
	return result;
}

static void print_books(const struct options *options, const struct books *books, double seconds,
						struct cost begin)
{
	const uint64_t frames = books->written + books->refused + books->dropped;
	const double ring_s = (double)books->ring_ns / 1e9;

	printf("{\"seconds\":%.6f,\"channels\":{\"%s\":{\"captured\":%" PRIu64 ",\"encoded\":%" PRIu64
		   ",\"encoder_dropped\":0,\"source_error\":0,\"written\":%" PRIu64 ",\"refused\":%" PRIu64
		   ",\"ring_dropped\":%" PRIu64 ",\"in_flight\":0,\"imbalance\":null,\"ring_cpu_share\":%.6f,"
		   "\"ring_cpu_us_per_frame\":%.3f}},",
		   seconds, options->ring, frames, frames, books->written, books->refused, books->dropped,
		   seconds > 0 ? ring_s / seconds : 0, frames ? ring_s * 1e6 / (double)frames : 0);
	print_cost(begin, 0);
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = stop};
	struct options options = {.fps = 30, .least = 20000, .most = 20000, .gop = 30};
	struct payload payloads[PAYLOADS];
	struct books books = {0};
	struct tape tape;
	video_shm_producer_t producer;
	video_shm_info_t info = {.struct_size = sizeof(info)};

	if (parse(argc, argv, &options)) {
		fprintf(stderr,
				"usage: %s -n RING -t TAPE [-f FPS] [-s LEAST] [-S MOST] [-g GOP] [-c FRAMES] [-k SLOTS] [-z "
				"SLOT_SIZE]\n",
				argv[0]);
		return 2;
	}
	const video_shm_producer_options_t how = {.struct_size = sizeof(how),
											  .slots = options.slots,
											  .slot_size = options.slot_size,
											  .name = options.ring};
	sigaction(SIGTERM, &action, NULL);
	if (tape_open(&tape, options.tape) || make_payloads(payloads, &options))
		return 1;
	if (video_shm_producer_open(&producer, &how) || video_shm_producer_info(&producer, &info)) {
		perror(options.ring);
		return 1;
	}
	printf("{\"first_number\":%" PRIu64 "}\n", info.frames);
	fflush(stdout);
	rest_until(&tape.header->go);
	const struct cost begin = cost_now();
	const uint64_t begin_ns = now_ns();
	const int result = run(&producer, &tape, &options, payloads, info.frames, &books);

	print_books(&options, &books, (double)(now_ns() - begin_ns) / 1e9, begin);
	video_shm_producer_destroy(&producer);
	return result < 0;
}
