/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DMA-BUF would save between a camera's buffer and a reader, and what it would cost the camera.
 *
 *     cc -O2 tests/bench/dma_buf.c -o report/dma_buf && hil vm -- report/dma_buf /dev/video0 640 480
 *
 * It prints, for NV12 or else YUYV: how long a copy into a slot takes, and a look at the picture there, in
 * the driver's own memory, and through an exported buffer; how many pictures the camera loses while a reader
 * keeps each one; and whether the driver can be made to write into a slot of /dev/shm, or into a memfd by
 * udmabuf.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BUFFERS 4
#define PICTURES 60
#define SLOT_FILE "/dev/shm/dma_buf_bench"

static int camera;
static size_t size;
static void *own[BUFFERS], *exported[BUFFERS];
static int descriptors[BUFFERS];
static volatile uint64_t sink;

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void need(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* Reads each cache line, as a program that uses the picture does at least once. */
static void look(const void *picture)
{
	const uint64_t *words = picture;
	uint64_t sum = 0;

	for (size_t at = 0; at < size / sizeof(*words); at += 8)
		sum += words[at];
	sink = sum;
}

static struct v4l2_buffer buffer_of(int index, enum v4l2_memory memory)
{
	return (struct v4l2_buffer){.index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = memory};
}

static int request(int count, enum v4l2_memory memory)
{
	struct v4l2_requestbuffers wanted = {
		.count = count, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = memory};

	return ioctl(camera, VIDIOC_REQBUFS, &wanted);
}

static void set_stream(int on)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	need(ioctl(camera, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type), "STREAMON");
}

/* The next picture, or an error: nothing comes within 5 s. */
static int take(struct v4l2_buffer *buffer, enum v4l2_memory memory)
{
	struct pollfd ready = {.fd = camera, .events = POLLIN};

	*buffer = buffer_of(0, memory);
	if (poll(&ready, 1, 5000) <= 0)
		return -1;
	return ioctl(camera, VIDIOC_DQBUF, buffer);
}

static void choose_format(uint32_t width, uint32_t height)
{
	static const uint32_t formats[] = {V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUYV};
	struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	struct v4l2_pix_format *picture = &format.fmt.pix;

	for (int at = 0; at < 2; at++) {
		*picture = (struct v4l2_pix_format){.width = width, .height = height, .pixelformat = formats[at]};
		need(ioctl(camera, VIDIOC_S_FMT, &format), "S_FMT");
		if (picture->pixelformat == formats[at])
			break;
	}
	size = picture->sizeimage;
	printf("format: %.4s, %u x %u, %zu bytes\n", (char *)&picture->pixelformat, picture->width,
		   picture->height, size);
}

static void map_buffers(void)
{
	need(request(BUFFERS, V4L2_MEMORY_MMAP), "REQBUFS");
	for (int at = 0; at < BUFFERS; at++) {
		struct v4l2_buffer buffer = buffer_of(at, V4L2_MEMORY_MMAP);
		struct v4l2_exportbuffer wish = {.type = buffer.type, .index = at, .flags = O_RDONLY | O_CLOEXEC};

		need(ioctl(camera, VIDIOC_QUERYBUF, &buffer), "QUERYBUF");
		own[at] = mmap(NULL, size, PROT_READ, MAP_SHARED, camera, buffer.m.offset);
		need(ioctl(camera, VIDIOC_EXPBUF, &wish), "EXPBUF");
		descriptors[at] = wish.fd;
		exported[at] = mmap(NULL, size, PROT_READ, MAP_SHARED, wish.fd, 0);
		if (own[at] == MAP_FAILED || exported[at] == MAP_FAILED)
			need(-1, "mmap");
		need(ioctl(camera, VIDIOC_QBUF, &buffer), "QBUF");
	}
}

static void *slot(void)
{
	const int file = open(SLOT_FILE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	void *memory;

	need(file, SLOT_FILE);
	need(unlink(SLOT_FILE), "unlink");
	need(ftruncate(file, size), "ftruncate");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (memory == MAP_FAILED)
		need(-1, "mmap");
	memset(memory, 1, size);
	return memory;
}

static void measure_copies(void *copy)
{
	double copied[PICTURES], in_slot[PICTURES], in_driver[PICTURES], through_export[PICTURES];

	set_stream(1);
	for (int at = 0; at < PICTURES; at++) {
		struct dma_buf_sync sync = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};
		struct v4l2_buffer buffer;
		double begin;

		need(take(&buffer, V4L2_MEMORY_MMAP), "DQBUF");
		begin = now_ms();
		memcpy(copy, own[buffer.index], size);
		copied[at] = now_ms() - begin;
		begin = now_ms();
		look(copy);
		in_slot[at] = now_ms() - begin;
		begin = now_ms();
		look(own[buffer.index]);
		in_driver[at] = now_ms() - begin;
		begin = now_ms();
		need(ioctl(descriptors[buffer.index], DMA_BUF_IOCTL_SYNC, &sync), "DMA_BUF_IOCTL_SYNC");
		look(exported[buffer.index]);
		sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ;
		need(ioctl(descriptors[buffer.index], DMA_BUF_IOCTL_SYNC, &sync), "DMA_BUF_IOCTL_SYNC");
		through_export[at] = now_ms() - begin;
		need(ioctl(camera, VIDIOC_QBUF, &buffer), "QBUF");
	}
	set_stream(0);
	printf("copy into a slot: %.3f ms\n", median(copied, PICTURES));
	printf("look at it in the slot: %.3f ms, in the driver's memory: %.3f ms, through an exported buffer: "
		   "%.3f ms\n",
		   median(in_slot, PICTURES), median(in_driver, PICTURES), median(through_export, PICTURES));
}

/* A reader keeps each picture for so long, as one may that reads a ring; the writer can't hand the buffer
 * back before. */
static void measure_keeping(int kept_ms)
{
	struct v4l2_buffer kept[BUFFERS];
	double since[BUFFERS], begin;
	uint32_t first = 0, last = 0, came = 0;
	int count = 0;

	for (int at = 0; at < BUFFERS; at++) {
		struct v4l2_buffer buffer = buffer_of(at, V4L2_MEMORY_MMAP);

		need(ioctl(camera, VIDIOC_QBUF, &buffer), "QBUF");
	}
	set_stream(1);
	begin = now_ms();
	while (now_ms() - begin < 3000) {
		struct pollfd ready = {.fd = camera, .events = POLLIN};

		while (count > 0 && now_ms() - since[0] >= kept_ms) {
			need(ioctl(camera, VIDIOC_QBUF, &kept[0]), "QBUF");
			memmove(kept, kept + 1, --count * sizeof(*kept));
			memmove(since, since + 1, count * sizeof(*since));
		}
		if (count == BUFFERS || poll(&ready, 1, 5) <= 0) {
			usleep(1000);
			continue;
		}
		need(take(&kept[count], V4L2_MEMORY_MMAP), "DQBUF");
		last = kept[count].sequence;
		if (came++ == 0)
			first = last;
		since[count++] = now_ms();
	}
	set_stream(0);
	printf("%d buffers, each kept for %3d ms: %u of %u pictures\n", BUFFERS, kept_ms, came, last - first + 1);
}

/* Whether the driver writes into memory of ours. Says what refuses it. */
static void try_capture(const char *what, enum v4l2_memory memory, void *place, int descriptor)
{
	struct v4l2_buffer buffer = buffer_of(0, memory);

	memset(place, 0, size);
	if (request(1, memory) < 0) {
		printf("%s: %s at REQBUFS\n", what, strerror(errno));
		return;
	}
	buffer.length = size;
	if (memory == V4L2_MEMORY_USERPTR)
		buffer.m.userptr = (unsigned long)place;
	else
		buffer.m.fd = descriptor;
	if (ioctl(camera, VIDIOC_QBUF, &buffer) < 0) {
		printf("%s: %s at QBUF\n", what, strerror(errno));
	} else {
		uint64_t before = sink;

		set_stream(1);
		need(take(&buffer, memory), "DQBUF");
		look(place);
		printf("%s: %s\n", what,
			   sink != before && sink != 0 ? "works"
										   : "it took the memory, but no byte of the picture is there");
		set_stream(0);
	}
	request(0, memory);
}

static void try_udmabuf(const char *what, int file)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	struct udmabuf_create wish = {.memfd = file, .size = (size + page - 1) / page * page};
	const int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int made;
	void *place;

	if (device < 0) {
		printf("%s: %s at /dev/udmabuf\n", what, strerror(errno));
		return;
	}
	need(ftruncate(file, wish.size), "ftruncate");
	if (fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		printf("%s: %s at F_ADD_SEALS\n", what, strerror(errno));
	made = ioctl(device, UDMABUF_CREATE, &wish);
	if (made < 0) {
		printf("%s: %s at UDMABUF_CREATE\n", what, strerror(errno));
		return;
	}
	place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (place == MAP_FAILED)
		need(-1, "mmap");
	try_capture(what, V4L2_MEMORY_DMABUF, place, made);
}

int main(int argc, char **argv)
{
	static const int kept_ms[] = {0, 33, 100, 300, 1000};
	void *copy;
	int file;

	if (argc != 4) {
		fprintf(stderr, "usage: %s DEVICE WIDTH HEIGHT\n", argv[0]);
		return 2;
	}
	camera = open(argv[1], O_RDWR | O_CLOEXEC | O_NONBLOCK);
	need(camera, argv[1]);
	choose_format(atoi(argv[2]), atoi(argv[3]));
	map_buffers();
	copy = slot();
	measure_copies(copy);
	for (size_t at = 0; at < sizeof(kept_ms) / sizeof(*kept_ms); at++)
		measure_keeping(kept_ms[at]);

	/* A driver keeps its buffers as long as somebody maps or exports them; another handle begins anew. */
	for (int at = 0; at < BUFFERS; at++) {
		munmap(own[at], size);
		munmap(exported[at], size);
		close(descriptors[at]);
	}
	need(request(0, V4L2_MEMORY_MMAP), "REQBUFS 0");
	try_capture("the driver writes into a slot (USERPTR)", V4L2_MEMORY_USERPTR, copy, -1);
	file = memfd_create("picture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	need(file, "memfd_create");
	try_udmabuf("the driver writes into a memfd (udmabuf)", file);
	file = open("/dev/shm", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	need(file, "/dev/shm");
	try_udmabuf("the driver writes into a ring's object (udmabuf)", file);
	return 0;
}
