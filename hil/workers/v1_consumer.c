/* SPDX-License-Identifier: Apache-2.0 */
/* A version 1 reader as deployed, with a tape: it does not use the library, and takes the newest frame. */
#include "cost.h"
#include "program.h"
#include "tape.h"
#include "v1.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#define SLICE_MS 100u /* a signal that comes just before the wait is noticed after it */

struct tally {
	uint32_t received;
	uint32_t missed; /* skipped, since it always takes the newest */
	uint32_t first, last;
	uint64_t checking_ns;
};

static void write_down(struct tally *tally, struct tape *tape, const uint8_t *data,
					   const struct v1_meta *meta, uint64_t awake_ns)
{
	const uint64_t begin_ns = cpu_ns();
	const struct tape_record record = {
		.number = meta->sequence,
		.time_ns = awake_ns,
		.size = meta->size,
		.crc32 = (uint32_t)crc32(0, data, meta->size),
		.flags = meta->is_keyframe ? TAPE_KEYFRAME : 0,
		.kind = TAPE_FRAME,
	};

	tape_add(tape, &record);
	if (!tally->received++)
		tally->first = meta->sequence;
	else
		tally->missed += meta->sequence - tally->last - 1;
	tally->last = meta->sequence;
	tally->checking_ns += cpu_ns() - begin_ns;
}

static void read_all(struct v1_reader *reader, struct tape *tape, struct tally *tally)
{
	static uint8_t data[V1_CAPACITY];
	struct v1_meta meta;

	while (program_running) {
		const int size = v1_reader_wait(reader, data, &meta, SLICE_MS);
		const uint64_t awake_ns = now_ns();

		if (size > 0)
			write_down(tally, tape, data, &meta, awake_ns);
	}
}

int main(int argc, char **argv)
{
	struct v1_reader reader;
	struct tape tape;
	struct tally tally = {0};

	if (argc != 3) {
		fprintf(stderr, "usage: %s CHANNEL TAPE\n", argv[0]);
		return 2;
	}
	if (tape_open(&tape, argv[2]))
		return 1;
	if (v1_reader_init(&reader, (int)program_number(argv[1], INT32_MAX))) {
		perror(argv[1]);
		return 1;
	}
	program_until_signal();
	printf("{\"attach_number\":%" PRIu32 "}\n", reader.last);
	fflush(stdout);
	const struct cost begin = cost_now();

	read_all(&reader, &tape, &tally);
	printf("{\"received\":%" PRIu32 ",\"missed\":%" PRIu32 ",\"skipped\":0,\"first_number\":%" PRId64
		   ",\"last_number\":%" PRId64 ",",
		   tally.received, tally.missed, tally.received ? (int64_t)tally.first : -1,
		   tally.received ? (int64_t)tally.last : -1);
	print_cost(begin, tally.checking_ns);
	v1_reader_destroy(&reader);
	return 0;
}
