# SPDX-License-Identifier: Apache-2.0
# Real processes: readers and writers that stop, die, fork, restart and get signals.
add_library(processes STATIC processes.c)
target_link_libraries(processes PUBLIC check PRIVATE video_shm_flags)

vshm_test(readers SERIAL LABELS timed LIBRARIES processes)
vshm_test(stopped LABELS quick LIBRARIES processes)
vshm_test(lapped LABELS quick LIBRARIES processes)
vshm_test(killed SERIAL TIMEOUT 1200 LABELS quick timed LIBRARIES processes)
