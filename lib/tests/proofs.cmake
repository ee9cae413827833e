# SPDX-License-Identifier: Apache-2.0

# The library once more, with a crash point after every store to shared memory and every system call.
list(TRANSFORM VIDEO_SHM_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/ OUTPUT_VARIABLE crash_sources)
add_library(crash_objects OBJECT ${crash_sources})
target_include_directories(crash_objects PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src
                           ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/support)
target_compile_definitions(crash_objects PRIVATE VIDEO_SHM_CRASH_POINTS VIDEO_SHM_VERSION_STRING="${PROJECT_VERSION}")
target_compile_options(crash_objects PRIVATE -include crash_calls.h) # by its name: an option can't have a dollar sign
target_link_libraries(crash_objects PRIVATE Threads::Threads video_shm_flags)

# Its objects come first, so nothing is left to be taken from the ordinary ones.
if(TARGET v1)
    vshm_test(crash_points PARTS 3 COST 100 TIMEOUT 1500 LABELS peers LIBRARIES v1
              SOURCES support/crash_story.c support/crash_watchers.c support/crash_scenarios.c support/crash_witness.c
                      support/crash_aftermath.c
                      $<TARGET_OBJECTS:crash_objects>)
endif()
add_test(NAME crash_points_complete
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/crash_points_complete.sh ${CMAKE_NM}
                 ${CMAKE_CURRENT_SOURCE_DIR}/support/crash_calls.h $<TARGET_OBJECTS:crash_objects>
         COMMAND_EXPAND_LISTS)

vshm_test(stress)
vshm_test(threads)
