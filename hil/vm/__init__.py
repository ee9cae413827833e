# SPDX-License-Identifier: Apache-2.0
"""A virtual machine with vivid and USB cameras that runs on this machine's own files, for machines without a camera."""

from .errors import VmDeadline, VmError, VmUnavailable
from .kernel import find_kernel, kernel_for
from .kernel_files import Kernel
from .machine import Job, run
from .system import System, system_in

__all__ = [
    "Job",
    "Kernel",
    "System",
    "VmDeadline",
    "VmError",
    "VmUnavailable",
    "find_kernel",
    "kernel_for",
    "run",
    "system_in",
]
