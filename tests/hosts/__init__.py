# SPDX-License-Identifier: Apache-2.0
"""Odd hosts to run programs on: what is missing, hidden, closed, full or stepped, alone and together.

    on(NO_PROC | ANOTHER_USER, "vshm", "list")      # a command, and what came of it
    with own_shared_memory(): ...                   # the same process, with an empty /dev/shm
    on_terminal(command, term="dumb") # where a person looks

All of it is made by the test itself, is seen by nobody else, and is gone with its program.
"""

from .all_hosts import ALL_HOSTS
from .disks import BTRFS, DISKS, EXT4, LINK, OVERLAY_OF_A_DISK, OVERLAY_OF_MEMORY, OVERLAYS, Disk, shared_memory_on
from .host import PLAIN, Host, on, require
from .kinds import (
    ANOTHER_USER,
    ASCII_ONLY,
    CARELESS_PARENT,
    DUMB_TERMINAL,
    FEW_DESCRIPTORS,
    HIDDEN_PROCESSES,
    LITTLE_ADDRESS_SPACE,
    MANY_DESCRIPTORS,
    NO_CURRENT_FOLDER,
    NO_DEVICES,
    NO_HOME,
    NO_INODES,
    NO_LOCAL_TIME,
    NO_PROC,
    NO_SHARED_MEMORY,
    NO_SUCH_HOME,
    NO_TEMPORARY_FOLDER,
    NO_THREADS,
    NOTHING_EXECUTABLE,
    OTHER_PROCESSES_ALONE,
    OVERLAY,
    PID_NAMESPACE,
    READ_ONLY_ROOT,
    READ_ONLY_SHARED_MEMORY,
    TIME_NAMESPACE,
    TIME_NAMESPACE_BEFORE,
    TINY_SHARED_MEMORY,
    USER_NAMESPACE,
    closed,
    umask,
)
from .names import SLOW_NAMES
from .own_shm import mount_tmpfs, own_shared_memory
from .preloads import CLOCK_STEPS_BACK, CLOCK_STEPS_FORWARD, JEMALLOC, NO_NAMELESS_FILES
from .sandboxes import (
    refusing_locks,
    refusing_locks_of_whole_files,
    refusing_nameless_files,
    refusing_rare_calls,
    refusing_sockets,
    refusing_threads,
    refusing_timers,
)
from .terminal import on_terminal

__all__ = [
    "ALL_HOSTS",
    "ANOTHER_USER",
    "ASCII_ONLY",
    "BTRFS",
    "CARELESS_PARENT",
    "CLOCK_STEPS_BACK",
    "CLOCK_STEPS_FORWARD",
    "DISKS",
    "DUMB_TERMINAL",
    "EXT4",
    "FEW_DESCRIPTORS",
    "HIDDEN_PROCESSES",
    "JEMALLOC",
    "LINK",
    "LITTLE_ADDRESS_SPACE",
    "MANY_DESCRIPTORS",
    "NOTHING_EXECUTABLE",
    "NO_CURRENT_FOLDER",
    "NO_DEVICES",
    "NO_HOME",
    "NO_INODES",
    "NO_LOCAL_TIME",
    "NO_NAMELESS_FILES",
    "NO_PROC",
    "NO_SHARED_MEMORY",
    "NO_SUCH_HOME",
    "NO_TEMPORARY_FOLDER",
    "NO_THREADS",
    "OTHER_PROCESSES_ALONE",
    "OVERLAY",
    "OVERLAYS",
    "OVERLAY_OF_A_DISK",
    "OVERLAY_OF_MEMORY",
    "PID_NAMESPACE",
    "PLAIN",
    "READ_ONLY_ROOT",
    "READ_ONLY_SHARED_MEMORY",
    "SLOW_NAMES",
    "TIME_NAMESPACE",
    "TIME_NAMESPACE_BEFORE",
    "TINY_SHARED_MEMORY",
    "USER_NAMESPACE",
    "Disk",
    "Host",
    "closed",
    "mount_tmpfs",
    "on",
    "on_terminal",
    "own_shared_memory",
    "refusing_locks",
    "refusing_locks_of_whole_files",
    "refusing_nameless_files",
    "refusing_rare_calls",
    "refusing_sockets",
    "refusing_threads",
    "refusing_timers",
    "require",
    "shared_memory_on",
    "umask",
]
