/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#include <inttypes.h>
#include <stdio.h>

static void print_count(const char *name, uint64_t count, bool known)
{
	if (known)
		printf("\"%s\": %" PRIu64 ", ", name, count);
	else
		printf("\"%s\": null, ", name);
}

static void print_tally(const struct tally *tally, bool traced)
{
	const bool known = tally->complete;

	printf("{");
	print_count("frames", tally->frames, true);
	print_count("cpu_ns", tally->cpu_ns, known);
	print_count("instructions", tally->instructions, known && tally->measured_instructions);
	print_count("switches", tally->switches, known);
	print_count("system_calls", tally->stops / 2, known && traced);
	print_count("pss_bytes", tally->pss_bytes, known);
	print_count("descriptors", tally->descriptors, known);
	print_count("received", tally->received, true);
	print_count("missed", tally->missed, true);
	print_count("torn", tally->torn, true);
	print_count("repeated", tally->repeated, true);
	print_count("reordered", tally->reordered, true);
	print_count("altered", tally->altered, true);
	if (known)
		printf("\"grown_bytes\": %" PRId64 "}", tally->grown_bytes);
	else
		printf("\"grown_bytes\": null}");
}

static void print_latencies(const struct ledger *ledger)
{
	const char *comma = "";

	printf("\"latency_ns\": [");
	for (unsigned reader = 0; reader < ledger->plan.readers; reader++) {
		const uint64_t *const awake_ns = ledger_awake(ledger, reader);

		for (uint32_t at = SETTLING_FRAMES; at < ledger->plan.frames; at++) {
			if (awake_ns[at] == 0 || ledger->frames[at].entered_ns == 0)
				continue;
			printf("%s%" PRId64, comma, (int64_t)(awake_ns[at] - ledger->frames[at].entered_ns));
			comma = ", ";
		}
	}
	printf("], ");
}

static void print_writes(const struct ledger *ledger)
{
	uint64_t written = 0;

	printf("\"write_ns\": [");
	for (uint32_t at = 0; at < ledger->plan.frames; at++) {
		const struct frame *const frame = &ledger->frames[at];

		written += frame->left_ns != 0 && frame->result == 0;
		if (at >= SETTLING_FRAMES)
			printf("%s%" PRIu64, at > SETTLING_FRAMES ? ", " : "",
				   frame->left_ns > frame->entered_ns ? frame->left_ns - frame->entered_ns : 0);
	}
	printf("], \"written\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"dropped\": %" PRIu64 ", ", written,
		   ledger->plan.frames - written, ledger->dropped);
}

/*
 * Sets the time from the writer's death until the last reader got a frame of the next one, or 0 if some
 * reader never got one. Returns how many never did.
 */
static unsigned look_at_recovery(const struct ledger *ledger, uint64_t *recovered_ns)
{
	uint64_t last_ns = ledger->death_ns;
	unsigned stranded = 0;

	for (unsigned reader = 0; reader < ledger->plan.readers; reader++) {
		const uint64_t *const awake_ns = ledger_awake(ledger, reader);
		uint32_t at = ledger->plan.kill_after;

		while (at < ledger->plan.frames && awake_ns[at] == 0)
			at++;
		if (at == ledger->plan.frames)
			stranded++;
		else if (awake_ns[at] > last_ns)
			last_ns = awake_ns[at];
	}
	*recovered_ns = stranded == 0 ? last_ns - ledger->death_ns : 0;
	return stranded;
}

void print_block(const struct ledger *ledger)
{
	const struct frame *const first = &ledger->frames[SETTLING_FRAMES];
	const struct frame *const last = &ledger->frames[ledger->plan.frames - 1];
	uint64_t recovered_ns = 0;
	const unsigned stranded = ledger->death_ns != 0 ? look_at_recovery(ledger, &recovered_ns) : 0;

	printf("{");
	print_latencies(ledger);
	print_writes(ledger);
	print_count("elapsed_ns", last->left_ns - first->entered_ns, true);
	print_count("recovery_ns", recovered_ns, recovered_ns != 0);
	print_count("stranded", stranded, true);
	printf("\"real_time\": %s, ", ledger->plan.real_time ? "true" : "false");
	printf("\"writer\": ");
	print_tally(&ledger->writer, ledger->plan.trace);
	printf(", \"readers\": [");
	for (unsigned reader = 0; reader < ledger->plan.readers; reader++) {
		printf("%s", reader > 0 ? ", " : "");
		print_tally(&ledger->readers[reader], ledger->plan.trace);
	}
	printf("]}\n");
}
