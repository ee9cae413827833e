# SPDX-License-Identifier: Apache-2.0
# One thread that waits for several rings; and all of it once more where the kernel can't wait for several words: before
# Linux 5.16 (ENOSYS), and in sandboxes that do not know the call (EPERM).
vshm_test(wait_words)
vshm_test(reader_any)
vshm_test(wait_any SOURCES support/several.c)
vshm_test(wait_any_ends SOURCES support/several.c)
vshm_test(wait_any_v1 LIBRARIES v1)

include(CheckIncludeFile)
check_include_file(linux/filter.h HAVE_LINUX_FILTER_H) # musl's compilers may have none of the kernel's headers
if(HAVE_LINUX_FILTER_H)
    add_executable(without_call support/without_call.c)
    target_link_libraries(without_call PRIVATE video_shm_flags)
    foreach(program wait_any wait_any_ends)
        foreach(refusal 38 1) # ENOSYS, EPERM
            add_test(NAME ${program}_refused_${refusal} COMMAND without_call 449 ${refusal} $<TARGET_FILE:test_${program}>)
            set_tests_properties(${program}_refused_${refusal} PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77 LABELS not-emulated)
        endforeach()
    endforeach()
endif()
