# SPDX-License-Identifier: Apache-2.0
# Real processes: readers and writers that stop, die, fork, restart and get signals. What is not sanitized tells how much
# time or how many system calls something takes, and a sanitizer has its own of both.

vshm_test(readers COST 30 LABELS timed not-sanitized)
vshm_test(stopped)
vshm_test(lapped)
vshm_test(killed PARTS 3 COST 30 TIMEOUT 3600 LABELS timed SOURCES support/mortals.c)
vshm_test(killed_together TIMEOUT 3600 SOURCES support/mortals.c)
vshm_test(two_writers)
vshm_test(names)
vshm_test(destroy)
vshm_test(signals)
vshm_test(fork)
vshm_test(fork_waits)
vshm_test(cancel LABELS not-sanitized) # AddressSanitizer takes the end of a cancelled thread for an overflow
vshm_test(daemon)
vshm_test(lifecycle)
vshm_test(reserved_mapping)
vshm_test(joining)
vshm_test(writing_threads)

# One test for each kind of claim, as what can't be counted somewhere must not hide behind what can.
add_executable(test_silence test_silence.c)
target_link_libraries(test_silence PRIVATE check v1 video_shm_flags)
foreach(counted wakes system_calls)
    add_test(NAME silence_${counted} COMMAND test_silence ${counted})
    set_tests_properties(silence_${counted} PROPERTIES TIMEOUT 600 COST 30 SKIP_RETURN_CODE 77
                         LABELS "timed;not-sanitized")
endforeach()
# System calls are counted by ptrace, which qemu-user does not have: it would trace the emulator.
set_property(TEST silence_system_calls APPEND PROPERTY LABELS not-emulated)
