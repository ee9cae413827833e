#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On overlayfs, a mapping keeps no lock alive. An open-file-description lock (fcntl F_OFD_SETLK) or a flock() ends with
# the last reference to its open file, and elsewhere a mapping is such a reference: a program may close the descriptor,
# and the lock is there until the mapping is gone too. A mapping of a file on an overlay refers to the file of the layer
# beneath, on which nobody has a lock; so the lock goes with the descriptor, without a word. A program that was written
# on tmpfs meets it in a container in which nothing is mounted at the folder of its files.
#
# Seen with Linux 6.18.44, whether the locks of (fcntl, flock) are there:
#                                    tmpfs           overlayfs
#     descriptor open, file mapped    True  True      True  True
#     descriptor closed, mapped yet   True  True      False False
#     mapping gone                    False False     False False
# The writer of this project keeps the descriptor where it finds an overlay (fstatfs).
# Exits 0 while that is so, 1 where it has changed. Needs root, or a kernel where user namespaces may mount overlays
# (5.11 and later), and util-linux's unshare; what it mounts is its own, and gone with it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import ctypes
import fcntl
import mmap
import os
import platform
import struct
import sys

F_OFD_GETLK, F_OFD_SETLK = 36, 37
SIZE = 4096
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


def lock(kind):
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0)


def held(path):
    descriptor = os.open(path, os.O_RDWR)
    answer = fcntl.fcntl(descriptor, F_OFD_GETLK, lock(fcntl.F_WRLCK))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        flock = False
    except BlockingIOError:
        flock = True
    os.close(descriptor)
    return struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK, flock


def look(path):
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.ftruncate(descriptor, SIZE)
    fcntl.fcntl(descriptor, F_OFD_SETLK, lock(fcntl.F_WRLCK))
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    # Python's own mmap would keep a descriptor.
    address = libc.mmap(None, SIZE, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    assert address != ctypes.c_void_p(-1).value, os.strerror(ctypes.get_errno())
    found = [held(path)]
    os.close(descriptor)
    found.append(held(path))
    libc.munmap(address, SIZE)
    found.append(held(path))
    return found


folder = sys.argv[1]
tmpfs, overlay = look(f"{folder}/file"), look(f"{folder}/merged/file")
print("Linux", platform.release())
print("tmpfs    ", tmpfs)
print("overlayfs", overlay)
both, none = (True, True), (False, False)
sys.exit((tmpfs, overlay) != ([both, both, none], [both, none, none]))
PYTHON

own=(unshare --mount --propagation private)
[ "$(id -u)" = 0 ] || own=(unshare --user --map-root-user --mount --propagation private)
# shellcheck disable=SC2016 # the inner shell's
"${own[@]}" sh -ec '
    mkdir "$0/tmpfs"
    mount -t tmpfs tmpfs "$0/tmpfs"
    cd "$0/tmpfs"
    mkdir lower upper work merged
    mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged
    exec python3 "$0/look.py" "$0/tmpfs"' "$folder"
