# SPDX-License-Identifier: Apache-2.0
"""Collects the library of the wheel. If the system's library is in use, the frozen program uses that too."""

from PyInstaller.utils.hooks import copy_metadata

from vshm_ctypes._library import installed

_library = installed("lib", "libvideo_shm.so")
binaries = [(_library, "vshm_ctypes/lib")] if _library else []
datas = copy_metadata("video-shm")
hiddenimports = ["vshm_ctypes.commandline.own_module"]  # of the runtime hook
