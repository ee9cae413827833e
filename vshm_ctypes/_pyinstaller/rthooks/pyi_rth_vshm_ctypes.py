# SPDX-License-Identifier: Apache-2.0
"""PyInstaller runs this before the program: one that our package has started for a module of ours is no program."""

import sys

if sys.argv[1:2] == ["-m"]:
    from vshm_ctypes.commandline.own_module import run_if_told

    run_if_told()
