# SPDX-License-Identifier: Apache-2.0
# Beside programs that are not ours, or not of our time: version 1, the original's loops, strangers.
add_library(peers STATIC peers.c)
target_link_libraries(peers PUBLIC check PRIVATE video_shm_flags)

vshm_test(v1_readers SERIAL TIMEOUT 240 LABELS timed peers LIBRARIES peers v1)
vshm_test(v1_tokens LABELS peers LIBRARIES peers v1)
vshm_test(v1_writer LABELS peers LIBRARIES peers v1)
vshm_test(v1_takeover LABELS peers LIBRARIES peers v1)
