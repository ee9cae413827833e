# SPDX-License-Identifier: Apache-2.0
# One program for each source file, and what is installed.
vshm_test(geometry)
vshm_test(geometry_read)
vshm_test(ring)
vshm_test(ring_v1)
vshm_test(ring_recover SOURCES support/plain_ring.c)
vshm_test(cursor SOURCES support/plain_ring.c)
vshm_test(cursor_restart SOURCES support/plain_ring.c)
vshm_test(cursor_random SOURCES support/plain_ring.c)
vshm_test(segment SOURCES support/named_object.c)
target_link_options(test_segment PRIVATE LINKER:--wrap=posix_fallocate,--wrap=posix_fallocate64,--wrap=getgrnam_r) # an older kernel's
vshm_test(segment_hold SOURCES support/named_object.c)
vshm_test(survey)
vshm_test(inspect)
vshm_test(metadata)
vshm_test(picture LIBRARIES v1)
vshm_test(wait)
vshm_test(writer)
vshm_test(reader)
vshm_test(reader_end)
target_link_options(test_reader_end PRIVATE LINKER:--wrap=clock_gettime) # a wall clock of its own
vshm_test(lost_signals)
target_link_options(test_lost_signals PRIVATE LINKER:--wrap=segment_name_leads) # a reader looks
# Its handler closes the ring, as those of the original's writers do, which no standard calls safe.
set_tests_properties(lost_signals PROPERTIES ENVIRONMENT TSAN_OPTIONS=report_signal_unsafe=0)
vshm_test(semaphores SOURCES support/semaphore_pair.c)
vshm_test(semaphores_used SOURCES support/semaphore_pair.c)
target_link_options(test_semaphores_used PRIVATE LINKER:--wrap=pthread_create) # no thread is to be had
vshm_test(log)
vshm_test(descriptors)
vshm_test(lost_descriptors)
vshm_test(descriptor_limit)
vshm_test(hold)
vshm_test(log_callback)
vshm_test(process)
vshm_test(options)

vshm_test(layout)
set(public_header ${PROJECT_SOURCE_DIR}/include/video_shm.h)
set(layout_fields ${CMAKE_CURRENT_BINARY_DIR}/unit/layout_fields.inc)
add_custom_command(OUTPUT ${layout_fields} DEPENDS ${public_header} install/layout_fields.cmake
                   COMMAND ${CMAKE_COMMAND} -DHEADER=${public_header} -DOUTPUT=${layout_fields}
                           -P ${CMAKE_CURRENT_SOURCE_DIR}/install/layout_fields.cmake VERBATIM)
target_sources(test_layout PRIVATE ${layout_fields})
target_include_directories(test_layout PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/unit)
file(STRINGS ${PROJECT_SOURCE_DIR}/VERSION expected_version LIMIT_COUNT 1)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/VERSION)
target_compile_definitions(test_layout PRIVATE EXPECTED_VERSION="${expected_version}")

# What is installed. A sanitizer's library needs the sanitizer's own programs, and another processor's none here.
if(NOT VIDEO_SHM_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
    find_program(any_cxx NAMES c++ g++ clang++)
    set(scripts ${CMAKE_CURRENT_SOURCE_DIR}/install)
    add_test(NAME symbols COMMAND sh ${scripts}/symbols.sh $<TARGET_FILE:video_shm>
             ${PROJECT_SOURCE_DIR}/src/video_shm.map ${public_header} ${CMAKE_C_COMPILER})
    add_test(NAME installed COMMAND sh ${scripts}/installed.sh ${PROJECT_BINARY_DIR} ${CMAKE_INSTALL_LIBDIR}
             ${CMAKE_C_COMPILER} ${CMAKE_COMMAND})
    add_test(NAME header COMMAND sh ${scripts}/header.sh ${public_header} ${CMAKE_C_COMPILER}
             $<$<BOOL:${any_cxx}>:${any_cxx}>)
    set(install_tests symbols installed header)
    if(VIDEO_SHM_USDT)
        add_test(NAME probes COMMAND sh ${scripts}/probes.sh $<TARGET_FILE:video_shm> ${CMAKE_C_COMPILER})
        list(APPEND install_tests probes)
    endif()
    set_tests_properties(${install_tests} PROPERTIES LABELS install SKIP_RETURN_CODE 77 TIMEOUT 120)
endif()
