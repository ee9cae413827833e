# SPDX-License-Identifier: Apache-2.0
vshm_test(statistics LABELS quick SOURCES ../bench/statistics.c ../bench/verdict.c)
target_link_libraries(test_statistics PRIVATE m)

# Not quick: under a sanitizer the program is another one, and slow.
if(VIDEO_SHM_BENCH)
    vshm_test(bench TIMEOUT 300 SOURCES ../bench/floor.c)
    target_compile_definitions(test_bench PRIVATE BENCH_PROGRAM="$<TARGET_FILE:video_shm_bench>")
    add_dependencies(test_bench video_shm_bench)
endif()
