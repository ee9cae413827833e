# SPDX-License-Identifier: Apache-2.0
"""The library that the wheel brought. Where it is the system's, the frozen program takes the system's too."""

from PyInstaller.utils.hooks import copy_metadata

from vshm_ctypes._library import installed

_library = installed("lib", "libvideo_shm.so")
binaries = [(_library, "vshm_ctypes/lib")] if _library else []
datas = copy_metadata("video-shm")
