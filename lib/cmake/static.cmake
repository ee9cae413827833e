# SPDX-License-Identifier: Apache-2.0
# The static library: one object, in which only the header's names are left, as in the shared one. A program may have a
# function log_line of its own.
if(NOT CMAKE_OBJCOPY)
    message(STATUS "no objcopy: no static library is made")
    return()
endif()
if(CMAKE_CURRENT_BINARY_DIR MATCHES "#")
    message(STATUS "no static library is made in a folder with a #, in which CMake makes no file by a command")
    return()
endif()
separate_arguments(linker_flags UNIX_COMMAND "${CMAKE_C_FLAGS}")
if(CMAKE_C_COMPILER_TARGET)
    list(APPEND linker_flags "--target=${CMAKE_C_COMPILER_TARGET}")
endif()
add_custom_command(OUTPUT video_shm_whole.o DEPENDS video_shm_objects $<TARGET_OBJECTS:video_shm_objects>
                   COMMAND ${CMAKE_C_COMPILER} ${linker_flags} -r -nostdlib -o video_shm_whole.o
                           $<TARGET_OBJECTS:video_shm_objects>
                   COMMAND ${CMAKE_OBJCOPY} --localize-hidden video_shm_whole.o
                   COMMENT "Linking the static library's object" COMMAND_EXPAND_LISTS VERBATIM)
add_library(video_shm_static STATIC ${CMAKE_CURRENT_BINARY_DIR}/video_shm_whole.o)
add_library(video_shm::video_shm_static ALIAS video_shm_static)
set_target_properties(video_shm_static PROPERTIES OUTPUT_NAME video_shm LINKER_LANGUAGE C)
target_include_directories(video_shm_static PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(video_shm_static INTERFACE Threads::Threads)
install(TARGETS video_shm_static EXPORT video_shm ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
