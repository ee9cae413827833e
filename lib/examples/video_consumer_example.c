/* SPDX-License-Identifier: Apache-2.0 */
/* Prints, saves or counts the frames of a ring, and goes on when its writer is restarted. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <video_shm.h>

#define STATISTICS_EVERY 30              /* frames */
#define NEWER_NAME VIDEO_SHM_NAME "_ch0" /* the original's newest version has no ring without a number */

struct options {
	const char *ring; /* NULL: VIDEO_SHM_NAME, or NEWER_NAME */
	const char *file;
	uint64_t frames;     /* 0: no end */
	uint64_t timeout_ms; /* 0: wait for ever, and silently */
	int statistics_only;
	int keyframes_only;
};

struct session {
	const struct options *options;
	FILE *file;
	uint8_t *data;
	uint32_t capacity;
	uint64_t received;
};

static volatile sig_atomic_t stopping;
static video_shm_consumer_t consumer; /* not in main: the signal handler needs it */

static void stop(int number)
{
	(void)number;
	stopping = 1;
	video_shm_consumer_interrupt(&consumer);
}

static int complain(const char *about, const char *message)
{
	fprintf(stderr, "video_consumer: %s: %s\n", about, message);
	return -1;
}

static void usage(FILE *to)
{
	fputs("usage: video_consumer [RING] [-n RING] [-o FILE] [-c N] [-t MS] [-k] [-s] [-h]\n"
		  "  -n RING  the same as RING: channel number, or name of a ring\n"
		  "           (default: " VIDEO_SHM_NAME ", or " NEWER_NAME " where there is none)\n"
		  "  -o FILE  save the stream\n"
		  "  -c N     end after N frames (default: 0, no end)\n"
		  "  -t MS    say so when no frame came for MS milliseconds (default: 0, wait silently)\n"
		  "  -k       keyframes only\n"
		  "  -s       statistics only, every 30 frames\n"
		  "  -h       this help\n",
		  to);
}

/* strtoull alone would take "-1", " 7" and "7x" for numbers. */
static int parse_number(const char *text, uint64_t most, uint64_t *number)
{
	char *end = NULL;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (isdigit((unsigned char)*text) && !*end && !errno && *number <= most)
		return 0;
	return complain(text, "not a number that fits");
}

/* A number is a channel, anything else a name. */
static int parse_ring(const char *text, const char **ring)
{
	static char name[32];
	const unsigned long long channel = strtoull(text, NULL, 10);

	*ring = text;
	if (text[strspn(text, "0123456789")])
		return 0;
	if (!*text || channel > INT32_MAX)
		return complain(text, "neither a channel nor a name");
	snprintf(name, sizeof(name), VIDEO_SHM_NAME "_ch%llu", channel);
	*ring = name;
	return 0;
}

static int parse(int argc, char **argv, struct options *options)
{
	int option, bad = 0;

	/* "+": it stops at the ring, and is called again behind it. Left alone, not every C library's goes on. */
	while (!bad && ((option = getopt(argc, argv, "+n:o:c:t:ksh")) != -1 || optind < argc)) {
		switch (option) {
		case -1:
			bad = options->ring ? -1 : parse_ring(argv[optind++], &options->ring);
			break;
		case 'n':
			bad = parse_ring(optarg, &options->ring);
			break;
		case 'o':
			options->file = optarg;
			break;
		case 'c':
			bad = parse_number(optarg, UINT64_MAX, &options->frames);
			break;
		case 't':
			bad = parse_number(optarg, VIDEO_SHM_NO_WAIT - 1, &options->timeout_ms);
			break;
		case 'k':
			options->keyframes_only = 1;
			break;
		case 's':
			options->statistics_only = 1;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default: /* getopt has said what is wrong */
			bad = -1;
		}
	}
	return bad;
}

static const char *remedy(int error)
{
	static const struct {
		int error;
		const char *text;
	} remedies[] = {
		{ENOENT, "no such ring: start its writer first, for example camera-streamer"},
		{EAGAIN, "the writer is just making the ring: try again in a moment"},
		{EPROTO, "not a video ring, or of an unknown format: give another name with -n (ls -l /dev/shm)"},
		{EACCES, "no permission to read: join the ring's group (ls -l /dev/shm), usually video"},
		{EINVAL, "not the name of a ring: give a channel number, or a name with no other / than the first"},
		{EMFILE, "too many open files: raise the limit (ulimit -n)"},
		{ENOMEM, "out of memory: end other programs"},
		{ENOSYS, "no shared memory here: mount a tmpfs on /dev/shm"},
	};

	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++) {
		if (remedies[i].error == error)
			return remedies[i].text;
	}
	return strerror(error);
}

static int attach(const struct options *options)
{
	video_shm_consumer_options_t how = {
		.struct_size = sizeof(how),
		.start = options->keyframes_only ? VIDEO_SHM_START_KEYFRAME : VIDEO_SHM_START_NEXT,
		.policy = options->keyframes_only ? VIDEO_SHM_POLICY_KEYFRAMES : VIDEO_SHM_POLICY_EVERY,
		.reconnect = 1,
		.name = options->ring,
	};

	if (!video_shm_consumer_open(&consumer, &how))
		return 0;
	how.name = NEWER_NAME;
	if (!options->ring && errno == ENOENT && !video_shm_consumer_open(&consumer, &how))
		return 0;
	return complain(options->ring ? options->ring : VIDEO_SHM_NAME, remedy(errno));
}

static int print_failed(void)
{
	return ferror(stdout) ? complain("standard output", strerror(errno)) : 0;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static int print_statistics(const struct session *session)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	if (video_shm_consumer_info(&consumer, &info))
		return complain("statistics", strerror(errno));
	printf("total %" PRIu64 ", dropped %" PRIu64 " (%.2f %%), missed %" PRIu64
		   " (%.2f %%), received %" PRIu64,
		   info.frames, info.dropped, percent(info.dropped, info.frames + info.dropped), info.missed,
		   percent(info.missed, info.span), info.received);
	if (session->options->keyframes_only)
		printf(", skipped %" PRIu64, info.skipped);
	putchar('\n');
	return print_failed();
}

static int print_frame(const video_frame_meta_t *meta)
{
	static const char *const codecs[UINT8_MAX + 1] = {
		"H.264", "H.265", "JPEG",  "AV1",   [VIDEO_SHM_CODEC_NV12] = "NV12",
		"I420",  "YUYV",  "RGB24", "BGR24", "GREY"};
	const char *codec = codecs[meta->codec] != NULL ? codecs[meta->codec] : "unknown";

	printf("Frame seq=%" PRIu32 " size=%" PRIu32 " codec=%s type=%s %ux%u fps=%u timestamp=%" PRIu64 "\n",
		   meta->sequence, meta->size, codec, meta->is_keyframe ? "I-frame" : "P-frame", meta->width,
		   meta->height, meta->fps, meta->timestamp_ms);
	return print_failed();
}

static int handle_frame(struct session *session, const video_frame_meta_t *meta)
{
	session->received++;
	if (session->file && fwrite(session->data, 1, meta->size, session->file) != meta->size)
		return complain(session->options->file, strerror(errno));
	if (!session->options->statistics_only)
		return print_frame(meta);
	return session->received % STATISTICS_EVERY ? 0 : print_statistics(session);
}

static int grow(struct session *session, uint32_t size)
{
	uint8_t *data = realloc(session->data, size);

	if (!data)
		return complain("no memory for a large frame", strerror(errno));
	session->data = data;
	session->capacity = size;
	return 0;
}

/* 0: go on; -1: it has said why not. */
static int handle_error(struct session *session, const video_frame_meta_t *meta)
{
	switch (errno) {
	case EINTR:
		return 0;
	case EMSGSIZE:
		return grow(session, meta->size);
	case EPIPE:
	case EOWNERDEAD:
		fprintf(stderr, "video_consumer: the writer %s, waiting for the next one\n",
				errno == EPIPE ? "has closed the ring" : "has died");
		return 0;
	default:
		return complain("waiting for a frame", strerror(errno));
	}
}

static int run(struct session *session)
{
	const struct options *options = session->options;
	video_frame_meta_t meta = {0};
	int failed = grow(session, VIDEO_SHM_MAX_FRAME_SIZE);

	while (!failed && !stopping && (!options->frames || session->received < options->frames)) {
		const int size = video_shm_consumer_receive(&consumer, session->data, session->capacity, &meta,
													(uint32_t)options->timeout_ms);

		if (size > 0)
			failed = handle_frame(session, &meta);
		else if (size < 0)
			failed = handle_error(session, &meta);
		else
			fprintf(stderr, "video_consumer: no frame for %" PRIu64 " ms\n", options->timeout_ms);
	}
	return failed;
}

/* Unbuffered: a frame is in the file when it is printed, and a full disk shows at once. */
static int create(struct session *session, const char *path)
{
	session->file = fopen(path, "wb");
	if (!session->file)
		return complain(path, strerror(errno));
	setvbuf(session->file, NULL, _IONBF, 0);
	return 0;
}

static int finish(struct session *session)
{
	int failed = ferror(stdout) ? 0 : print_statistics(session);

	video_shm_consumer_destroy(&consumer);
	if (session->file && fclose(session->file))
		failed = complain(session->options->file, strerror(errno));
	free(session->data);
	return failed;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct session session = {.options = &options};
	/* SA_RESTART: what is being saved or printed is not cut; the wait ends by the interrupt. */
	const struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};

	if (parse(argc, argv, &options)) {
		usage(stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* also into a pipe: who reads it wants the line now */
	if (attach(&options) || (options.file && create(&session, options.file)))
		return 1;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	const int failed = run(&session);

	return finish(&session) || failed;
}
