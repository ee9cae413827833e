/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a ring as an application does, and records on its tape what came and when. It prints a JSON line when
 * it is attached and another at its end. SIGTERM ends it, once it has read what is still there.
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

#define TIMEOUT_MS 200u

struct options {
	const char *ring;
	const char *tape;
	uint32_t policy;
	uint32_t start;
	uint32_t work_ms;      /* after each frame */
	uint32_t burst_frames; /* 0: no bursts */
	uint32_t pause_ms;     /* after each burst */
};

struct session {
	const struct options *options;
	struct tape tape;
	uint8_t *data;
	uint32_t capacity;
	uint64_t received;
	uint64_t first, last;
	uint64_t checking_ns;
};

static volatile sig_atomic_t stopping;
static video_shm_consumer_t consumer;

static void stop(int number)
{
	(void)number;
	stopping = 1;
	video_shm_consumer_interrupt(&consumer);
}

static uint32_t chosen(const char *text, const char *const *names)
{
	for (uint32_t i = 0; names[i]; i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	fprintf(stderr, "%s: unknown\n", text);
	exit(2);
}

static int parse(int argc, char **argv, struct options *options)
{
	static const char *const policies[] = {"every", "newest", "keyframes", NULL};
	static const char *const starts[] = {"next", "newest", "oldest", "keyframe", NULL};
	int option;

	while ((option = getopt(argc, argv, "n:t:p:f:w:b:s:")) != -1) {
		switch (option) {
		case 'n':
			options->ring = optarg;
			break;
		case 't':
			options->tape = optarg;
			break;
		case 'p':
			options->policy = chosen(optarg, policies);
			break;
		case 'f':
			options->start = chosen(optarg, starts);
			break;
		case 'w':
			options->work_ms = number_of(optarg, INT32_MAX);
			break;
		case 'b':
			options->burst_frames = number_of(optarg, INT32_MAX);
			break;
		case 's':
			options->pause_ms = number_of(optarg, INT32_MAX);
			break;
		default:
			return -1;
		}
	}
	return options->ring && options->tape ? 0 : -1;
}

static void pause_for(uint32_t ms)
{
	const struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	if (ms && !stopping)
		nanosleep(&time, NULL); /* a signal ends it */
}

static void behave(const struct session *session)
{
	const struct options *options = session->options;

	pause_for(options->work_ms);
	if (options->burst_frames && session->received % options->burst_frames == 0)
		pause_for(options->pause_ms);
}

/* Copies a borrowed frame as an application may. Returns 1 if it is whole, 0 if it was overwritten, or -1. */
static int copy_out(struct session *session, video_shm_view_t *view)
{
	if (view->meta.size > session->capacity) {
		uint8_t *data = realloc(session->data, view->meta.size);

		if (!data) {
			perror("no memory for a frame");
			return -1;
		}
		session->data = data;
		session->capacity = view->meta.size;
	}
	memcpy(session->data, view->data, view->meta.size);
	return video_shm_consumer_release(&consumer, view) == 0;
}

static void write_down(struct session *session, const video_shm_view_t *view, uint64_t awake_ns)
{
	const uint64_t begin_ns = cpu_ns();
	const struct tape_record record = {
		.number = view->frame,
		.time_ns = awake_ns,
		.publish_ns = view->publish_ns,
		.capture_ns = view->capture_ns,
		.size = view->meta.size,
		.crc32 = (uint32_t)crc32(0, session->data, view->meta.size),
		.flags = view->flags & (TAPE_KEYFRAME | TAPE_DISCONTINUITY),
		.kind = TAPE_FRAME,
	};

	tape_add(&session->tape, &record);
	if (!session->received++)
		session->first = view->frame;
	session->last = view->frame;
	session->checking_ns += cpu_ns() - begin_ns;
}

/* Returns 1 to continue, or -1 after a message. */
static int note_error(struct session *session, int error, uint64_t awake_ns)
{
	const struct tape_record record = {
		.number = TAPE_NO_NUMBER, .time_ns = awake_ns, .size = (uint32_t)error, .kind = TAPE_EVENT};

	if (error == EINTR)
		return 1;
	if (error == EPIPE || error == EOWNERDEAD) {
		tape_add(&session->tape, &record);
		return 1;
	}
	fprintf(stderr, "waiting for a frame: %s\n", strerror(error));
	return -1;
}

/* Returns 1 if there may be more, 0 if nothing came, or -1 after a message. */
static int take(struct session *session, uint32_t timeout_ms)
{
	video_shm_view_t view = {.struct_size = sizeof(view)};
	const int size = video_shm_consumer_acquire(&consumer, &view, timeout_ms);
	const uint64_t awake_ns = now_ns();

	if (size < 0)
		return note_error(session, errno, awake_ns);
	if (size == 0)
		return 0;
	const int whole = copy_out(session, &view);

	if (whole <= 0)
		return whole < 0 ? -1 : 1;
	write_down(session, &view, awake_ns);
	behave(session);
	return 1;
}

static int run(struct session *session)
{
	int result = 0;

	while (!stopping && result >= 0)
		result = take(session, TIMEOUT_MS);
	for (result = result < 0 ? -1 : 1; result > 0;)
		result = take(session, VIDEO_SHM_NO_WAIT);
	return result;
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = stop};
	struct options options = {.policy = VIDEO_SHM_POLICY_EVERY};
	struct session session = {.options = &options};
	video_shm_info_t info = {.struct_size = sizeof(info)};

	if (parse(argc, argv, &options)) {
		fprintf(
			stderr,
			"usage: %s -n RING -t TAPE [-p POLICY] [-f START] [-w WORK_MS] [-b BURST_FRAMES -s PAUSE_MS]\n",
			argv[0]);
		return 2;
	}
	const video_shm_consumer_options_t how = {.struct_size = sizeof(how),
											  .start = options.start,
											  .policy = options.policy,
											  .reconnect = 1,
											  .name = options.ring};

	if (tape_open(&session.tape, options.tape))
		return 1;
	if (video_shm_consumer_open(&consumer, &how) || video_shm_consumer_info(&consumer, &info)) {
		perror(options.ring);
		return 1;
	}
	sigaction(SIGTERM, &action, NULL);
	printf("{\"attach_number\":%" PRIu64 "}\n", info.next_frame);
	fflush(stdout);
	const struct cost begin = cost_now();
	const int result = run(&session);

	video_shm_consumer_info(&consumer, &info);
	printf("{\"received\":%" PRIu64 ",\"missed\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"span\":%" PRIu64
		   ",\"next_number\":%" PRIu64 ",\"first_number\":%" PRId64 ",\"last_number\":%" PRId64 ",",
		   info.received, info.missed, info.skipped, info.span, info.next_frame,
		   session.received ? (int64_t)session.first : -1, session.received ? (int64_t)session.last : -1);
	print_cost(begin, session.checking_ns);
	video_shm_consumer_destroy(&consumer);
	free(session.data);
	return result < 0;
}
