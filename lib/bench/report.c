/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "fleet.h"

static const char *limit_sign(enum limit kind)
{
	return kind == LIMIT_AT_MOST ? "<=" : ">=";
}

static void print_interval(const struct statistics_interval *interval, bool shown)
{
	if (shown)
		printf("  %6.3f [%6.3f %6.3f]", interval->middle, interval->low, interval->high);
	else
		printf("  %24s", "");
}

static void print_row(const struct row *row)
{
	char limit[16] = "";

	if (row->kind != LIMIT_NONE)
		(void)snprintf(limit, sizeof(limit), "%s %.2f", limit_sign(row->kind), row->limit);
	printf("%-52s %11.3f %11.3f %-3s", row->name, row->ours, row->reference, row->unit);
	if (row->has_interval)
		print_interval(&row->ratio, true);
	else
		printf("  %6.3f %17s", row->ratio.middle, "");
	printf("  %-7s %-7s", limit, verdict_name(row->verdict));
	print_interval(&row->null, row->has_interval);
	printf("\n");
}

static void print_host(const struct report_case *part)
{
	const struct host_report *host = &part->host;

	printf("%-20s %s: stalls over %.0f ms %" PRIu64
		   ", longest %.1f ms, %.2f %% of the time%s; stolen %.2f %%; "
		   "other programs %.1f %%\n",
		   part->which->name, host->fit ? "fit" : "UNFIT", HOST_STALL_NS / 1e6, host->stalls,
		   host->longest_stall_ms, host->stalled_share * 100,
		   host->real_time ? "" : " (no real-time priority: not judged)", host->stolen_share * 100,
		   host->foreign_share * 100);
}

static void print_machine(void)
{
	struct utsname system;
	char model[128];

	host_model(model, sizeof(model));
	if (uname(&system) == 0)
		printf("video_shm %s on %s, %s, Linux %s\n\n", video_shm_version(), model, system.machine,
			   system.release);
}

void report_table(const struct report *report)
{
	print_machine();
	printf("%-52s %11s %11s %-3s  %-24s  %-7s %-7s  %s\n", "case", "ours", "floor", "",
		   "ratio [95 % interval]", "limit", "verdict", "floor/floor [95 % interval]");
	for (unsigned at = 0; at < report->row_count; at++)
		print_row(&report->rows[at]);
	printf("\nThe host beside each case. UNFIT, and the timing INVALID, if over %.1f %% of the time was "
		   "stalled, over "
		   "%.0f %% stolen, or over %.0f %% used by other programs.\n",
		   HOST_STALLED_SHARE * 100, HOST_STOLEN_SHARE * 100, HOST_FOREIGN_SHARE * 100);
	for (unsigned at = 0; at < report->case_count; at++) {
		if (report->cases[at].good)
			print_host(&report->cases[at]);
		else
			printf("%-20s did not run to its end\n", report->cases[at].which->name);
	}
	if (report->blocks < VERDICT_BLOCKS_MIN)
		printf("Fewer than %u blocks: no timing is judged.\n", VERDICT_BLOCKS_MIN);
}

/* ---- JSON ---- */

static void json_number(const char *key, double value, const char *after)
{
	if (isfinite(value))
		printf("\"%s\": %.6g%s", key, value, after);
	else
		printf("\"%s\": null%s", key, after);
}

static void json_interval(const char *key, const struct statistics_interval *interval)
{
	printf(", \"%s\": {", key);
	json_number("low", interval->low, ", ");
	json_number("median", interval->middle, ", ");
	json_number("high", interval->high, "}");
}

static void json_row(const struct row *row)
{
	printf("{\"name\": \"%s\", \"unit\": \"%s\", ", row->name, row->unit);
	json_number("ours", row->ours, ", ");
	json_number("floor", row->reference, "");
	json_interval("ratio", &row->ratio);
	if (row->has_interval)
		json_interval("floor_to_floor", &row->null);
	if (row->kind != LIMIT_NONE) {
		printf(", ");
		json_number(row->kind == LIMIT_AT_MOST ? "at_most" : "at_least", row->limit, "");
	}
	printf(", \"verdict\": \"%s\"}", verdict_name(row->verdict));
}

static void json_host(const struct host_report *host)
{
	printf("{\"fit\": %s, \"real_time\": %s, \"stalls\": %" PRIu64 ", ", host->fit ? "true" : "false",
		   host->real_time ? "true" : "false", host->stalls);
	json_number("longest_stall_ms", host->longest_stall_ms, ", ");
	json_number("stalled_share", host->stalled_share, ", ");
	json_number("stolen_share", host->stolen_share, ", ");
	json_number("foreign_share", host->foreign_share, "}");
}

static void json_case(const struct report *report, const struct report_case *part)
{
	printf("{\"case\": \"%s\", \"complete\": %s, \"host\": ", part->which->name,
		   part->good ? "true" : "false");
	json_host(&part->host);
	printf(", \"rows\": [");
	for (unsigned at = 0; at < part->row_count; at++) {
		printf("%s\n   ", at > 0 ? "," : "");
		json_row(&report->rows[part->first_row + at]);
	}
	printf("]}");
}

void report_json(const struct report *report)
{
	struct utsname system = {.machine = "unknown", .release = "unknown"};
	char model[128];

	host_model(model, sizeof(model));
	(void)uname(&system);
	printf("{\"video_shm\": \"%s\", \"processor\": \"%s\", \"machine\": \"%s\", \"kernel\": \"%s\", "
		   "\"blocks\": %u,\n",
		   video_shm_version(), model, system.machine, system.release, report->blocks);
	printf(" \"thresholds\": {\"stall_ns\": %u, \"stalled_share\": %g, \"stolen_share\": %g, "
		   "\"foreign_share\": %g},\n",
		   HOST_STALL_NS, HOST_STALLED_SHARE, HOST_STOLEN_SHARE, HOST_FOREIGN_SHARE);
	printf(" \"cases\": [");
	for (unsigned at = 0; at < report->case_count; at++) {
		printf("%s\n  ", at > 0 ? "," : "");
		json_case(report, &report->cases[at]);
	}
	printf("]}\n");
}
