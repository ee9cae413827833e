# SPDX-License-Identifier: Apache-2.0
# Real processes: readers and writers that stop, die, fork, restart and get signals.
add_library(processes STATIC processes.c)
target_link_libraries(processes PUBLIC check PRIVATE video_shm_flags)

vshm_test(readers SERIAL LABELS timed LIBRARIES processes)
vshm_test(stopped LABELS quick LIBRARIES processes)
vshm_test(lapped LABELS quick LIBRARIES processes)
vshm_test(killed SERIAL TIMEOUT 1200 LABELS quick timed LIBRARIES processes SOURCES mortals.c)
vshm_test(two_writers LABELS quick LIBRARIES processes)
vshm_test(names LABELS quick LIBRARIES processes)
vshm_test(destroy LABELS quick LIBRARIES processes)
vshm_test(signals LABELS quick LIBRARIES processes)
vshm_test(fork LABELS quick LIBRARIES processes)
vshm_test(lifecycle LABELS quick LIBRARIES processes)
vshm_test(joining LABELS quick LIBRARIES processes)
vshm_test(writing_threads LABELS quick LIBRARIES processes)
vshm_test(silence SERIAL LABELS timed LIBRARIES processes)
