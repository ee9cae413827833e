#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# os.link(src, dst, follow_symlinks=True), the default, follows no symbolic link on Linux, other than its documentation says:
# CPython calls link() unless a folder's descriptor or follow_symlinks=False is given, and Linux's link() links the symbolic
# link itself. Hence the file without a name (O_TMPFILE) that open(2) tells to link by /proc/self/fd/N gets EXDEV, from
# the folder in which it was made; with any src_dir_fd, for an absolute path the file's own will do, the same call is
# linkat(AT_SYMLINK_FOLLOW), and works. Seen with CPython 3.6.15 to 3.13.0, each minor release (strace, 3.11.7):
#     os.link("/proc/self/fd/3", "a")                       link("/proc/self/fd/3", "a") = -1 EXDEV
#     os.link("/proc/self/fd/3", "a", follow_symlinks=True) the same
#     os.link("/proc/self/fd/3", "a", src_dir_fd=3)     linkat(..., AT_SYMLINK_FOLLOW) = 0
#     os.link("a symbolic link", "a")                       a second symbolic link; with src_dir_fd a second name of its file
# vshm gives src_dir_fd where it names a file that is whole.
# Exits 0 while that is so, 1 where it has changed. Needs a file system that has O_TMPFILE, such as ext4 or tmpfs.
set -euo pipefail

python3 - <<'PYTHON'
import errno
import os
import sys
import tempfile


def linked(source, name, **options):
    try:
        os.link(source, name, **options)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "a symbolic link" if os.path.islink(name) else "a file"


with tempfile.TemporaryDirectory() as folder:
    descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR)
    nameless = f"/proc/self/fd/{descriptor}"
    target, link = f"{folder}/target", f"{folder}/link"
    os.close(os.open(target, os.O_CREAT))
    os.symlink(target, link)
    seen = {
        "nameless": linked(nameless, f"{folder}/a"),
        "nameless, follow_symlinks=True": linked(nameless, f"{folder}/b", follow_symlinks=True),
        "nameless, src_dir_fd": linked(nameless, f"{folder}/c", src_dir_fd=descriptor),
        "link": linked(link, f"{folder}/d"),
        "link, src_dir_fd": linked(link, f"{folder}/e", src_dir_fd=descriptor),
    }
print("CPython", sys.version.split()[0], seen)
sys.exit(list(seen.values()) != ["EXDEV", "EXDEV", "a file", "a symbolic link", "a file"])
PYTHON
