/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/*
 * libvideo_shm: one camera process writes frames into shared memory, any number of processes read them.
 *
 * The writer never waits for anybody. Every reader has a place of its own, gets each frame once and in order,
 * and is told what it missed. The bytes in shared memory are described in FORMAT.md.
 *
 * Returns: 0, a size, or a small positive number for what is normal; -1 with errno for what is not, and then
 * nothing has changed but what the call says. The library prints nothing and installs no signal handler.
 *
 * Ownership: a handle is the caller's memory, and stays where it is between init and destroy. All else that is
 * handed in, names and frames included, is the caller's again when the call returns; what is handed out to be
 * given back (a reserved slot, a view) says so.
 *
 * Threads: any number of them, each with handles of its own. One handle in several threads: see the writer and
 * the reader below. Calls without a handle may be made by any thread at any time, video_shm_set_log excepted.
 * A thread that pthread_cancel() ends is ended in a wait of its, within half a second, and by no other call; the
 * handle can be used on.
 *
 *   errno        meaning, wherever it is returned
 *   EINVAL       an argument is wrong: NULL, a bad name, a frame of size 0, an unknown option, a struct of size 0
 *   EBADF        the handle is not open: never initialised, failed to, or destroyed meanwhile
 *   ENOENT       there is no ring of that name: start the writer
 *   EAGAIN       a ring of that name is just being made (by a version 1 writer): try again
 *   EPROTO       what is there is no ring, or one that this call can't serve; it was left as it was
 *   EACCES       the permissions of the ring do not allow it
 *   EBUSY        another live writer holds the ring (video_shm_inspect names its pid); or a reservation or a
 *                view of this handle is still out
 *   EBADMSG      a raw picture has another size than its metadata says: its writer is wrong
 *   EMSGSIZE     the frame is larger than the slot, or than the caller's buffer
 *   ENOSPC       /dev/shm is full
 *   EFBIG        the ring is larger than any file that this process may make (RLIMIT_FSIZE)
 *   ESTALE       writer: the ring's name now leads to somebody else's ring; this one is closed
 *   EPIPE        reader: the writer has closed the ring, or it was replaced
 *   EOWNERDEAD   reader: the writer died; writer: this handle belongs to the process that forked this one
 *   EINTR        a signal handler ran, or video_shm_consumer_interrupt was called
 *   ENOSYS       this host has no /dev/shm, or no /proc, which a writer needs
 *   ENOMEM       there is no memory for the ring, or none that a program may lock after mlockall()
 *   any other    what the system said when the ring was opened or made (EMFILE, ...)
 *
 * What can't be helped: a ring's object can be shrunk by whoever may write to it, and the kernel has no seal
 * against that. A process that touches the mapping in the moment until it looks at the size again gets SIGBUS.
 */
/* clang-format on */
#ifndef VIDEO_SHM_H
#define VIDEO_SHM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- the original's names: these values never change ---- */

#define VIDEO_SHM_NAME "/video_stream"
#define VIDEO_SHM_SEM_WRITE "/video_sem_write"
#define VIDEO_SHM_SEM_READ "/video_sem_read"
#define VIDEO_SHM_RING_SIZE 30                /* slots */
#define VIDEO_SHM_MAX_FRAME_SIZE (512 * 1024) /* bytes of payload in a slot */
#define VIDEO_SHM_MAGIC 0x56494445            /* "VIDE" */
#define VIDEO_SHM_VERSION 1

/* What travels with every frame. 32 bytes, the same in shared memory. */
typedef struct video_frame_meta {
	uint64_t timestamp_ms; /* wall clock of capture, ms since the epoch; 0 given to the writer means now */
	uint32_t size;         /* bytes of payload; set by the library */
	uint32_t sequence;     /* low 32 bits of the frame number, the first being 0; set by the library */
	uint8_t is_keyframe;   /* 1: decoding can start here */
	uint8_t codec;         /* VIDEO_SHM_CODEC_* */
	uint16_t width;        /* pixels; audio: samples per frame */
	uint16_t height;       /* pixels; audio: channels */
	uint8_t fps;           /* frames per second, rounded; audio: VIDEO_SHM_SAMPLE_RATE_* */
	uint8_t reserved[5];   /* the program's own; carried along as it is; raw pictures: rows and colour */
} video_frame_meta_t;

/* A writer's handle. The caller allocates it and does not look inside. Zero it, or pass it to an init first.
 */
typedef struct video_shm_producer {
	uint64_t opaque[16];
} video_shm_producer_t;

/* A reader's handle, likewise. The library touches at most the first 32 bytes of either: programs that were
 * built with the original's header have smaller ones. */
typedef struct video_shm_consumer {
	uint64_t opaque[128];
} video_shm_consumer_t;

/* ---- codes ---- */

/* video_frame_meta_t.codec; the ring's media kind tells which of them there can be. */
enum video_shm_codec {
	VIDEO_SHM_CODEC_H264 = 0,
	VIDEO_SHM_CODEC_H265 = 1,
	VIDEO_SHM_CODEC_JPEG = 2,
	VIDEO_SHM_CODEC_AV1 = 3,        /* reserved */
	VIDEO_SHM_CODEC_NV12 = 32,      /* raw pictures, 32 to 63, since 1.1: Y, then U and V in turn, halved */
	VIDEO_SHM_CODEC_I420 = 33,      /* Y, then U, then V, both halved in width and height */
	VIDEO_SHM_CODEC_YUYV = 34,      /* Y, U, Y, V for every two pixels */
	VIDEO_SHM_CODEC_RGB24 = 35,     /* R, G, B */
	VIDEO_SHM_CODEC_BGR24 = 36,     /* B, G, R */
	VIDEO_SHM_CODEC_GREY = 37,      /* Y */
	VIDEO_SHM_CODEC_PCM_S16LE = 64, /* audio, 64 to 127: little-endian, channels interleaved */
	VIDEO_SHM_CODEC_AAC = 65,       /* audio: one frame with its ADTS header */
	VIDEO_SHM_CODEC_OPUS = 66       /* audio: one packet, as RFC 6716 has it */
};

/* video_frame_meta_t.fps of audio, in Hz. Since 1.1. */
enum video_shm_sample_rate {
	VIDEO_SHM_SAMPLE_RATE_UNKNOWN = 0,
	VIDEO_SHM_SAMPLE_RATE_8000 = 1,
	VIDEO_SHM_SAMPLE_RATE_11025 = 2,
	VIDEO_SHM_SAMPLE_RATE_12000 = 3,
	VIDEO_SHM_SAMPLE_RATE_16000 = 4,
	VIDEO_SHM_SAMPLE_RATE_22050 = 5,
	VIDEO_SHM_SAMPLE_RATE_24000 = 6,
	VIDEO_SHM_SAMPLE_RATE_32000 = 7,
	VIDEO_SHM_SAMPLE_RATE_44100 = 8,
	VIDEO_SHM_SAMPLE_RATE_48000 = 9,
	VIDEO_SHM_SAMPLE_RATE_64000 = 10,
	VIDEO_SHM_SAMPLE_RATE_88200 = 11,
	VIDEO_SHM_SAMPLE_RATE_96000 = 12,
	VIDEO_SHM_SAMPLE_RATE_176400 = 13,
	VIDEO_SHM_SAMPLE_RATE_192000 = 14
};

enum video_shm_media { VIDEO_SHM_MEDIA_VIDEO = 0, VIDEO_SHM_MEDIA_AUDIO = 1 };

/* Properties of a frame, as bits. */
enum video_shm_flag {
	VIDEO_SHM_FLAG_KEYFRAME = 1,
	VIDEO_SHM_FLAG_DISCONTINUITY = 2, /* does not continue what came before: restart, trouble at the source */
	VIDEO_SHM_FLAG_CORRUPT = 4,       /* the source said that the picture is damaged */
	VIDEO_SHM_FLAG_CAPTURE_DRIVER = 8, /* capture_ns was stamped by the driver, not at dequeue or write */
	VIDEO_SHM_FLAG_RECOVERY_POINT = 16 /* of a keyframe that is no IDR: decoding can start here; since 1.1 */
};

/* What the numbers of a raw picture span. Since 1.1. */
enum video_shm_range {
	VIDEO_SHM_RANGE_UNKNOWN = 0,
	VIDEO_SHM_RANGE_LIMITED = 1, /* luma 16 to 235, chroma 16 to 240 */
	VIDEO_SHM_RANGE_FULL = 2     /* 0 to 255 */
};

/* A reader's first frame; with resync the first keyframe from there on, the others being skipped. */
enum video_shm_start {
	VIDEO_SHM_START_NEXT = 0,    /* the next one written, as in the original */
	VIDEO_SHM_START_NEWEST = 1,  /* the newest in the ring */
	VIDEO_SHM_START_OLDEST = 2,  /* the oldest in the ring */
	VIDEO_SHM_START_KEYFRAME = 3 /* the last keyframe in the ring, or the next one written if there is none */
};

/* Which frames a reader wants. */
enum video_shm_policy {
	VIDEO_SHM_POLICY_EVERY = 0,    /* every frame, in order */
	VIDEO_SHM_POLICY_NEWEST = 1,   /* the newest at the time of asking; what lies between is skipped */
	VIDEO_SHM_POLICY_KEYFRAMES = 2 /* keyframes only, each once; asleep in between */
};

/* The state of a ring. */
enum video_shm_state {
	VIDEO_SHM_STATE_UNKNOWN = 0, /* a version 1 writer: it can't be told whether it lives */
	VIDEO_SHM_STATE_LIVE = 1,
	VIDEO_SHM_STATE_CLOSED = 2,
	VIDEO_SHM_STATE_DEAD = 3 /* the writer died without closing it; the next one takes it over */
};

#define VIDEO_SHM_NO_WAIT UINT32_MAX /* as timeout_ms: do not wait at all */

#define VIDEO_SHM_WAIT_ANY_MAX 1024 /* readers in a call of video_shm_consumer_wait_any; since 1.1 */

/* ---- structs of the newer calls; each begins with its own size, so that it can grow ---- */

/* Set struct_size = sizeof(it) and zero the rest, then what you want to be other than the default. */
typedef struct video_shm_producer_options {
	uint32_t struct_size;
	uint32_t slots;     /* 2 to 4096; 0: VIDEO_SHM_RING_SIZE */
	uint32_t slot_size; /* bytes of payload in a slot, up to 256 MiB; 0: VIDEO_SHM_MAX_FRAME_SIZE */
	uint32_t mode;      /* permission bits of ring and semaphores, whatever the umask; 0: 0660 */
	uint32_t media;     /* enum video_shm_media */
	uint32_t reserved;  /* zero */
	const char *name;   /* "/ring" or "ring"; NULL: VIDEO_SHM_NAME */
} video_shm_producer_options_t;

typedef struct video_shm_consumer_options {
	uint32_t struct_size;
	uint32_t start;         /* enum video_shm_start */
	uint32_t policy;        /* enum video_shm_policy */
	uint32_t resync;        /* 1: in H.264 or H.265, nothing until a keyframe, at the start and after a gap */
	uint32_t reconnect;     /* 1: once the ring was closed or its writer died, look for its successor */
	uint32_t max_slot_size; /* refuse rings with larger slots (EPROTO); 0: any */
	const char *name;       /* as above */
} video_shm_consumer_options_t;

/* When and how a frame was captured. */
typedef struct video_frame_timing {
	uint64_t capture_ns; /* CLOCK_MONOTONIC; 0: now */
	uint32_t flags;      /* VIDEO_SHM_FLAG_*, without KEYFRAME, which is in the metadata */
	uint32_t reserved;   /* zero */
} video_frame_timing_t;

/* A frame that is still in the ring. Filled by video_shm_consumer_acquire. */
typedef struct video_shm_view {
	uint32_t struct_size; /* set by the caller: sizeof(video_shm_view_t) */
	uint32_t flags;       /* VIDEO_SHM_FLAG_* */
	const uint8_t *data;  /* meta.size bytes, read-only, valid until release; the writer may overwrite them */
	uint64_t offset;      /* of data from the beginning of the shared object */
	uint64_t frame;       /* frame number, 64 bits */
	uint64_t capture_ns;  /* CLOCK_MONOTONIC; 0 from a version 1 writer, and publish_ns too */
	uint64_t publish_ns;  /* CLOCK_MONOTONIC */
	uint64_t missed_before; /* frames that this reader missed since the one before */
	uint64_t attachment; /* up by one whenever this reader went over to another object, which offset is in */
	video_frame_meta_t meta;
} video_shm_view_t;

/* The figures of a ring, and of one of its readers. Set struct_size = sizeof(it) before the call. */
typedef struct video_shm_info {
	uint32_t struct_size;
	uint32_t version;  /* of the format: 1; 2 for a ring of another geometry */
	uint32_t extended; /* 1: our writer; 0: a version 1 writer, and what is marked * stays zero */
	uint32_t state;    /* enum video_shm_state */
	uint32_t media;    /* * enum video_shm_media */
	uint32_t slots;
	uint32_t slot_size;    /* bytes of payload in a slot */
	uint32_t epoch;        /* * up by one at every start of a writer */
	uint64_t object_bytes; /* size of the shared object */
	uint64_t inode;
	uint32_t mode, uid, gid; /* of the shared object */
	uint32_t writer_pid;     /* * 0: none; as seen from the writer's pid namespace */
	uint64_t writer_start;   /* * clock ticks since boot, in the machine's own time namespace; 0: not known */
	uint64_t frames;         /* written, all epochs; for a reader: in all rings that it has followed */
	uint64_t keyframes;      /* * likewise */
	uint64_t bytes;          /* * of payload, likewise */
	uint64_t dropped;        /* by the writer, whatever the cause */
	uint64_t dropped_busy;   /* * semaphore or handle was taken */
	uint64_t dropped_too_large; /* * larger than a slot */
	uint64_t dropped_no_space;  /* * the ring had to be made anew, and /dev/shm was full */
	uint64_t remade;            /* * times that the ring's name was gone and it was made anew */
	uint64_t rearmed;           /* * times that a semaphore was found taken by a process that had died */
	int64_t realtime_offset_ns; /* * CLOCK_REALTIME minus CLOCK_MONOTONIC at the writer */
	uint64_t last_publish_ns;   /* * of the newest frame, CLOCK_MONOTONIC; 0: none, or just lapped */
	uint32_t v1_readers;        /* active_readers as the ring has it: anybody may have scribbled on it */
	uint32_t v1_signals;        /* * 1: the writer posts the semaphore for version 1 readers */
	/* This reader, since it joined; zero from video_shm_inspect. always received + missed + skipped == span.
	 */
	uint64_t received;
	uint64_t missed;     /* overwritten before it could be read */
	uint64_t skipped;    /* passed over by this reader's own policy */
	uint64_t span;       /* frame numbers that it lived through */
	uint64_t next_frame; /* number of the next frame that it will look at */
	uint64_t reattached; /* times that it went over to a successor of its ring */
	uint64_t device;     /* of the shared object: each tmpfs counts its inodes from 1; since 1.1 */
} video_shm_info_t;

/*
 * ---- the writer ----
 *
 * A handle may be used by several threads at once, but for init and destroy: no other call on it is under way
 * then. A reserved slot belongs to the handle: any thread may commit or abort it.
 *
 * In a forked child a handle is the parent's as long as that lives. Once it is gone, the child's next call
 * takes the ring over as any next writer would, unless it was closed or somebody else has it; what the parent
 * had reserved is given back. A child that has left its parent's session, as daemon() does, waits for that
 * up to a second, once. In a child made without the handlers of fork(), by clone() or _Fork(), it is not open
 * (EBADF).
 */

/*
 * Makes the ring VIDEO_SHM_NAME, or takes it over from a writer that is gone: then numbering goes on and
 * readers with it. The ring has 30 slots of 512 KiB. Takes up to a second where another writer is just taking
 * it over. On a handle that has this ring open it closes that first, and makes the ring anew.
 * 0, or -1: EINVAL, EBUSY, EACCES, EPROTO, ENOSPC, EFBIG, or what the system said.
 */
int video_shm_producer_init(video_shm_producer_t *producer);

/* The same for channel 0, 1, ...: ring /video_stream_chN, semaphores /video_sem_write_chN and
 * /video_sem_read_chN. EINVAL: channel is negative. */
int video_shm_producer_init_channel(video_shm_producer_t *producer, int channel);

/*
 * The same with options; NULL: all defaults. A ring of another geometry replaces the old one under its name.
 * EINVAL: an option is out of its bounds, or the struct of a size that can't be.
 */
int video_shm_producer_open(video_shm_producer_t *producer, const video_shm_producer_options_t *options);

/*
 * Copies one access unit (a whole picture with its parameter sets) or one raw picture into the next slot and
 * wakes the readers. Never waits. size in bytes; meta's size and sequence are ignored: the library sets them.
 * 0 written; 1 dropped and counted: another thread is writing, a reservation is out, or the semaphore is
 * taken; -1: EINVAL (also a raw picture in a ring of version 1's geometry, whose readers would not know it),
 * EMSGSIZE (counted), ESTALE (readers that were there before may still get the frame), EOWNERDEAD, EBADF,
 * ENOSPC (counted).
 */
int video_shm_producer_write(video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
							 const video_frame_meta_t *meta);

/*
 * The same with the times and flags of commit, in one call instead of reserve, a copy and commit; timing may
 * be NULL. As write; EINVAL, with nothing counted, also for unknown flags and a recovery point that is no
 * keyframe. Since 1.1.
 */
int video_shm_producer_write_timed(video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
								   const video_frame_meta_t *meta, const video_frame_timing_t *timing);

/*
 * Hands out the next slot for an encoder to write into: *data, of *capacity bytes, 32-byte aligned, until
 * commit, abort or destroy. 0, or -1: EBUSY (one is out already; or another thread or the semaphore has the
 * ring, which is counted as a drop), ESTALE, EOWNERDEAD, EBADF, EINVAL, ENOSPC (counted).
 */
int video_shm_producer_reserve(video_shm_producer_t *producer, uint8_t **data, uint32_t *capacity);

/*
 * Publishes the reserved slot with size bytes and wakes the readers; timing may be NULL. Never waits. 0, or
 * -1: EINVAL (size 0, meta NULL, unknown flags, a recovery point that is no keyframe, a raw picture as of
 * write, nothing reserved) and EMSGSIZE, which leave the reservation as it was; ESTALE, as of write;
 * EOWNERDEAD, EBADF.
 */
int video_shm_producer_commit(video_shm_producer_t *producer, uint32_t size, const video_frame_meta_t *meta,
							  const video_frame_timing_t *timing);

/* Gives the reserved slot back unpublished; the frame it held before is lost. Nothing reserved, or no open
 * handle: does nothing. */
void video_shm_producer_abort(video_shm_producer_t *producer);

/*
 * For a binding that maps the reserved slot once more, so that it stays mapped whatever becomes of the
 * handle: *offset of its payload from the beginning of the shared object, and the object's descriptor, or -1:
 * EINVAL (nothing is reserved), EBADF, EOWNERDEAD; where the program has closed it and it can't be opened
 * anew, ESTALE or what open said. The descriptor is owned by the handle; a mapping of it keeps no other
 * writer out. Since 1.1.
 */
int video_shm_producer_descriptor(const video_shm_producer_t *producer, uint64_t *offset);

/* The writer's counters, as in video_shm_inspect; the reader's part is zero. 0, or -1: EINVAL (NULL, or
 * struct_size not set), EBADF, EOWNERDEAD. */
int video_shm_producer_info(video_shm_producer_t *producer, video_shm_info_t *info);

/*
 * Closes the ring, tells the readers, and removes ring and semaphores if they are still this writer's own. A
 * reserved slot is given back, its pointer is dead. A forked child that has not taken the ring over only lets
 * go. Twice, or after a failed init, it does nothing. Not for a signal handler.
 */
void video_shm_producer_destroy(video_shm_producer_t *producer);

/*
 * ---- the reader ----
 *
 * A handle is used by one thread at a time; interrupt may come from any other, interrupt and destroy also
 * from a signal handler on that thread.
 */

/*
 * Joins the ring VIDEO_SHM_NAME, or where there is none /video_stream_ch0, as the original's newest version
 * names it: every frame from the next one on; goes over to the next ring of either name when this one ends.
 * Opens it read-only and changes nothing in it. 0, or -1: EINVAL, ENOENT, EAGAIN, EPROTO (no ring, or slots
 * larger than VIDEO_SHM_MAX_FRAME_SIZE), EACCES, or what the system said.
 *
 * To a handle of this call or the next a restart of the writer is no error: EPIPE and EOWNERDEAD are never
 * told, but the calls wait for the next writer, asleep, as long as they are told. A signal ends a wait with
 * 0. The environment variable VIDEO_SHM_POLICY, read here, gives a program that is not changed another
 * policy: every, newest or keyframes; another word is EINVAL.
 */
int video_shm_consumer_init(video_shm_consumer_t *consumer);

/* The same for channel 0, 1, ..., which has one name. EINVAL: channel is negative. */
int video_shm_consumer_init_channel(video_shm_consumer_t *consumer, int channel);

/* The same with options; NULL: all defaults (which do not reconnect). EPROTO: no ring, or slots larger than
 * max_slot_size. */
int video_shm_consumer_open(video_shm_consumer_t *consumer, const video_shm_consumer_options_t *options);

/*
 * Copies the next frame to data (VIDEO_SHM_MAX_FRAME_SIZE bytes) and *meta. Does not wait.
 * Its size; 0: no new frame; -1: as video_shm_consumer_wait.
 */
int video_shm_consumer_read(video_shm_consumer_t *consumer, uint8_t *data, video_frame_meta_t *meta);

/*
 * The same, waiting up to timeout_ms for a frame; 0 waits for ever, VIDEO_SHM_NO_WAIT not at all.
 * Its size; 0: none came in time; -1: EINTR; EPIPE and EOWNERDEAD, once each, after the last whole frame;
 * EMSGSIZE (the frame is larger than VIDEO_SHM_MAX_FRAME_SIZE); EBUSY (a view is out); EBADF; EINVAL. On -1
 * and 0 data is as it was or holds parts of a frame that was lost. After EOWNERDEAD a call waits for the next
 * writer of the ring. After EPIPE, and with reconnect after EOWNERDEAD too, it looks for the ring's
 * successor, asleep, up to timeout_ms; EPROTO, once, is a successor that this reader can't be served from.
 * Without reconnect EPIPE is final. A signal that arrives just before the sleep may be noticed up to half a
 * second late: use video_shm_consumer_interrupt in the handler.
 */
int video_shm_consumer_wait(video_shm_consumer_t *consumer, uint8_t *data, video_frame_meta_t *meta,
							uint32_t timeout_ms);

/*
 * The same into a buffer of capacity bytes. On EMSGSIZE the frame is not consumed and meta->size is its real
 * size: call again with room for it.
 */
int video_shm_consumer_receive(video_shm_consumer_t *consumer, uint8_t *data, uint32_t capacity,
							   video_frame_meta_t *meta, uint32_t timeout_ms);

/*
 * The same without a copy: view->data points into the ring until release, which every view needs. One view at
 * a time (EBUSY). Size, 0 or -1 as above; EINVAL too where view->struct_size is not set.
 */
int video_shm_consumer_acquire(video_shm_consumer_t *consumer, video_shm_view_t *view, uint32_t timeout_ms);

/*
 * Gives the view back. 0: the bytes stayed whole since acquire; 1: the writer lapped this reader, what was
 * read may be torn and counts as missed; -1: EINVAL (no such view is out), EBADF.
 */
int video_shm_consumer_release(video_shm_consumer_t *consumer, video_shm_view_t *view);

/*
 * Waits as video_shm_consumer_wait for any of count readers: until one has a frame, or an error to tell.
 * Takes neither, but names the reader: the next call on consumers[*index] does not wait. NULL in the array is
 * passed over. The search begins behind the *index that is handed in, so that each reader has its turn if the
 * last one is handed in again. 1; 0: nothing came in time; -1: EINTR; EBUSY and EBADF, of consumers[*index];
 * EINVAL (no reader is left; more than VIDEO_SHM_WAIT_ANY_MAX).
 *
 * An interrupt of any of the readers ends the wait, and so does a signal, whichever call opened them; one
 * whose handler was installed with SA_RESTART up to half a second late. Where the program has such a handler,
 * to be stopped and continued may end it, too. Between this call and the next the
 * writer may overwrite the frame: then a later one is read, or, by a reader of keyframes, none.
 *
 * Sleeps in one system call, of Linux 5.16, for up to 128 rings. Rings beyond them, version 1 rings, and all
 * rings where there is no such call, are looked at every 1 to 2 ms while frames come at a camera's rate, and
 * ever more seldom in a silence. A wait for several rings, some for keyframes only, is awake for a moment at
 * each of their frames. Since 1.1.
 */
int video_shm_consumer_wait_any(video_shm_consumer_t *const *consumers, uint32_t count, uint32_t timeout_ms,
								uint32_t *index);

/*
 * Ends the wait under way, or else the next one, with EINTR, within half a second. May be called from a
 * signal handler and from any thread, as long as the handle is not destroyed meanwhile.
 */
void video_shm_consumer_interrupt(video_shm_consumer_t *consumer);

/*
 * Low 32 bits of: frames the writer has written, frames it dropped, frames that this reader has missed since
 * it joined. Any pointer may be NULL. 0, or -1: EINVAL, EBADF.
 */
int video_shm_consumer_stats(video_shm_consumer_t *consumer, uint32_t *total_frames, uint32_t *dropped_frames,
							 uint32_t *missed_frames);

/* The ring's and this reader's figures; counters are 64-bit and never go back, whatever becomes of the ring.
 * 0, or -1: EINVAL (NULL, or struct_size not set), EBADF. */
int video_shm_consumer_info(video_shm_consumer_t *consumer, video_shm_info_t *info);

/* The ring's own descriptor, read-only, owned by the handle and changed by a reattach; for mapping it once
 * more. -1: EBADF; where the program has closed it and it can't be opened anew, ESTALE or what open said. */
int video_shm_consumer_descriptor(const video_shm_consumer_t *consumer);

/*
 * Leaves the ring. May be called from a signal handler, also one that interrupted a call on the same handle:
 * that call then returns -1 with EBADF, and memory is unmapped when it ends, or when the view that is out is
 * released. Twice, or after a failed init, it does nothing.
 */
void video_shm_consumer_destroy(video_shm_consumer_t *consumer);

/* ---- a look from outside ---- */

/* Reads a ring's figures without joining or mapping it; name as in the options. 0, or -1: ENOENT, EAGAIN,
 * EPROTO, EACCES, EINVAL, or what the system said. */
int video_shm_inspect(const char *name, video_shm_info_t *info);

/* One slot, as read without joining the ring. */
typedef struct video_shm_slot {
	uint32_t struct_size; /* set by the caller in the first element: sizeof(video_shm_slot_t) */
	uint32_t whole;       /* 1: holds a whole frame; 0: empty, or being written, and the rest is zero */
	uint64_t frame;       /* frame number; low 32 bits only from a version 1 writer */
	uint64_t capture_ns;  /* CLOCK_MONOTONIC; 0 from a version 1 writer, and publish_ns too */
	uint64_t publish_ns;
	uint32_t flags; /* VIDEO_SHM_FLAG_* */
	uint32_t reserved;
	video_frame_meta_t meta;
} video_shm_slot_t;

/* The slot table, at most capacity slots of it. Their number, or -1 as video_shm_inspect. */
int video_shm_inspect_slots(const char *name, video_shm_slot_t *slots, uint32_t capacity);

/* ---- raw pictures ---- */

/* Where a raw picture's planes are in its payload, one behind the other, and its colour. Set struct_size =
 * sizeof(it) before the call. Since 1.1. */
typedef struct video_shm_picture {
	uint32_t struct_size;
	uint32_t size;      /* bytes of all planes: the frame's size */
	uint32_t planes;    /* NV12: 2, I420: 3, others: 1 */
	uint32_t offset[3]; /* of each plane from the beginning of the payload */
	uint32_t stride[3]; /* bytes from one row of the plane to the next */
	uint32_t rows[3];
	uint8_t primaries; /* as ITU-T H.273 numbers it, like the next two; 2: not known */
	uint8_t transfer;
	uint8_t matrix; /* 0: R'G'B' */
	uint8_t range;  /* VIDEO_SHM_RANGE_* */
} video_shm_picture_t;

/* Reads them from a frame's metadata; of meta->size 0, which no frame has, it tells what the size would be.
 * 0, or -1: EINVAL (no raw picture, a side of 0 pixels, larger than any slot, struct_size not set), EBADMSG.
 * Since 1.1. */
int video_shm_picture_layout(const video_frame_meta_t *meta, video_shm_picture_t *picture);

/* For a writer: puts them into meta->reserved, where codec, width and height are set already. Of picture it
 * takes stride[0] (0: no padding) and the colour (0: not known); NULL: neither. 0, or -1: EINVAL (as above, a
 * stride less than a row or over 65535 more, a matrix over 63, an unknown range). Since 1.1. */
int video_shm_picture_describe(video_frame_meta_t *meta, const video_shm_picture_t *picture);

/* ---- the library ---- */

/* "MAJOR.MINOR.PATCH", static. */
const char *video_shm_version(void);

/*
 * Size of a type of this header ("video_shm_info_t"), or offset of a field ("video_shm_info_t.frames"), in
 * bytes, as this library was compiled; -1 for a name it does not know. For bindings to check themselves
 * against.
 */
int64_t video_shm_layout(const char *name);

enum video_shm_log_level { VIDEO_SHM_LOG_INFO = 0, VIDEO_SHM_LOG_WARNING = 1 };

/* Called for each event that is worth a line in a log: never per frame, from the thread that made the call,
 * never in a handler, and with no lock held: it may fork, call this library, or wait for threads that do. */
typedef void (*video_shm_log_t)(int level, const char *message, void *context);

/* Sets or, with NULL, removes the callback for this process. Not while other calls are under way. */
void video_shm_set_log(video_shm_log_t callback, void *context);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
