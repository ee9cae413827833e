# SPDX-License-Identifier: Apache-2.0
# A sanitizer's build has no bench: it would measure another program.
if(VIDEO_SHM_BENCH)
    vshm_test(bench TIMEOUT 300 SOURCES ../bench/floor.c)
    target_compile_definitions(test_bench PRIVATE BENCH_PROGRAM="$<TARGET_FILE:video_shm_bench>")
    add_dependencies(test_bench video_shm_bench)
endif()
