# SPDX-License-Identifier: Apache-2.0
# Real processes: readers and writers that stop, die, fork, restart and get signals.

vshm_test(readers SERIAL LABELS timed)
vshm_test(stopped LABELS quick)
vshm_test(lapped LABELS quick)
vshm_test(killed SERIAL TIMEOUT 1200 LABELS quick timed SOURCES mortals.c)
vshm_test(two_writers LABELS quick)
vshm_test(names LABELS quick)
vshm_test(destroy LABELS quick)
vshm_test(signals LABELS quick)
vshm_test(fork LABELS quick)
vshm_test(lifecycle LABELS quick)
vshm_test(reserved_mapping LABELS quick)
vshm_test(joining LABELS quick)
vshm_test(writing_threads LABELS quick)
vshm_test(silence SERIAL LABELS timed)
