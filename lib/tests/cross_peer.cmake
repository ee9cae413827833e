# SPDX-License-Identifier: Apache-2.0
# Not a test by itself: ci/cross runs two of them, of different architectures, on one ring.
add_executable(cross_peer cross_peer.c)
target_link_libraries(cross_peer PRIVATE video_shm video_shm_flags)
