# SPDX-License-Identifier: Apache-2.0
"""Reads the declarations of this tree's video_shm.h."""

from writers import ROOT

from hil.gate.promises.header import Header

HEADER = Header((ROOT / "lib" / "include" / "video_shm.h").read_text())
DECLARATIONS = HEADER.calls
STRUCTS = HEADER.structs
ENUMS = HEADER.enums
ERRORS = HEADER.errors
