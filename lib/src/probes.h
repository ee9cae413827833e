/* SPDX-License-Identifier: Apache-2.0 */
/* USDT probes: a no-op instruction each, until a tracer looks. */
#ifndef VSHM_PROBES_H
#define VSHM_PROBES_H

#if defined(VIDEO_SHM_USDT) && defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#ifdef __clang__ /* the header's macros are expanded in our files, with nothing for their "..." */
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#if __has_warning("-Wc23-extensions") /* what clang 19 calls it */
#pragma clang diagnostic ignored "-Wc23-extensions"
#endif
#endif
#define PROBE_WRITE(frame, size) DTRACE_PROBE2(video_shm, write, frame, size)
#define PROBE_WAKE(frame, bits) DTRACE_PROBE2(video_shm, wake, frame, bits)
#define PROBE_LAPPED(frame, size) DTRACE_PROBE2(video_shm, lapped, frame, size)
#define PROBE_ATTACH(inode, next) DTRACE_PROBE2(video_shm, attach, inode, next)
#define PROBE_WRITER_LOST(pid, error) DTRACE_PROBE2(video_shm, writer_lost, pid, error)
#endif
#endif

#ifndef PROBE_WRITE
#define PROBE_WRITE(frame, size) ((void)0)
#define PROBE_WAKE(frame, bits) ((void)0)
#define PROBE_LAPPED(frame, size) ((void)0)
#define PROBE_ATTACH(inode, next) ((void)0)
#define PROBE_WRITER_LOST(pid, error) ((void)0)
#endif

#endif
