# SPDX-License-Identifier: Apache-2.0
# Beside programs that are not ours, or not of our time: version 1, the original's loops, strangers. What is not sanitized
# tells how much time something takes.

add_executable(test_v1_readers test_v1_readers.c)
target_link_libraries(test_v1_readers PRIVATE check v1 video_shm_flags)
add_test(NAME v1_readers COMMAND test_v1_readers in_step)
set_tests_properties(v1_readers PROPERTIES TIMEOUT 600 LABELS peers)
foreach(host quiet busy)
    add_test(NAME v1_readers_${host} COMMAND test_v1_readers ${host})
    set_tests_properties(v1_readers_${host} PROPERTIES TIMEOUT 600 LABELS "timed;peers;not-sanitized" RUN_SERIAL TRUE)
endforeach()
# Six emulated processes on two processors come late by themselves: what is claimed here is told of real ones only.
set_property(TEST v1_readers_busy APPEND PROPERTY LABELS not-emulated)

add_executable(v1_share v1/v1_share.c) # prints what they get: a tool, no test
target_link_libraries(v1_share PRIVATE check v1 video_shm_flags)

vshm_test(v1_turns LABELS peers LIBRARIES v1)
vshm_test(v1_tokens LABELS peers LIBRARIES v1)
vshm_test(v1_writer LABELS peers LIBRARIES v1)
vshm_test(v1_takeover LABELS peers LIBRARIES v1)
vshm_test(reader_figures LABELS peers LIBRARIES v1)
vshm_test(objects LABELS peers SOURCES support/refusals.c)
vshm_test(beginnings LABELS peers SOURCES support/refusals.c)
vshm_test(scribble TIMEOUT 240 LABELS peers)
vshm_test(sizes LABELS peers)
vshm_test(wrap LABELS peers LIBRARIES v1)
vshm_test(arguments LABELS peers)
vshm_test(access LABELS peers root LIBRARIES v1)
vshm_test(squatters LABELS peers root LIBRARIES v1)
vshm_test(full LABELS peers root)
vshm_test(new_root LABELS peers root)
vshm_test(namespaces LABELS peers root not-emulated)  # an emulator has no time namespaces

add_executable(video_consumer ${CMAKE_CURRENT_SOURCE_DIR}/../examples/video_consumer_example.c)
target_link_libraries(video_consumer PRIVATE video_shm video_shm_flags)

vshm_test(succession COST 15 LABELS peers LIBRARIES v1 SOURCES support/succession.c)
vshm_test(original_handle LABELS peers)
vshm_test(original_calls LABELS peers)
vshm_test(original_policy LABELS peers)
vshm_test(original_names LABELS peers root LIBRARIES v1)
vshm_test(original_programs LABELS peers SOURCES support/original_program.c)
vshm_test(original_recorder LABELS peers LIBRARIES v1 SOURCES support/original_program.c)
vshm_test(original_pages LABELS peers SOURCES support/page_client.c)
vshm_test(original_loops LABELS timed peers not-sanitized LIBRARIES v1 SOURCES support/page_client.c)
foreach(test original_programs original_recorder original_pages original_loops)
    foreach(program recorder qr_reader example page_server)
        string(TOUPPER ${program} macro)
        target_compile_definitions(test_${test} PRIVATE ${macro}="$<TARGET_FILE:original_${program}>")
        add_dependencies(test_${test} original_${program})
    endforeach()
endforeach()
foreach(program seed_consumer seed_producer test_original_handle)
    target_include_directories(${program} BEFORE PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/original)
endforeach()

vshm_test(seed COST 20 LABELS timed peers not-sanitized)
target_compile_definitions(test_seed PRIVATE SEED_CONSUMER="$<TARGET_FILE:seed_consumer>"
                           SEED_PRODUCER="$<TARGET_FILE:seed_producer>" V1_WRITER="$<TARGET_FILE:v1_writer>")
add_dependencies(test_seed seed_consumer seed_producer v1_writer)

foreach(test example example_usage)
    vshm_test(${test} LABELS peers SOURCES support/example_session.c)
    target_compile_definitions(test_${test} PRIVATE VIDEO_CONSUMER="$<TARGET_FILE:video_consumer>")
    add_dependencies(test_${test} video_consumer)
endforeach()

if(NOT CMAKE_CROSSCOMPILING)
    add_test(NAME example_makefile
             COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/example_makefile.sh ${CMAKE_CURRENT_SOURCE_DIR}/..)
    set_tests_properties(example_makefile PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77 LABELS peers)
endif()
