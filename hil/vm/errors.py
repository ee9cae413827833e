# SPDX-License-Identifier: Apache-2.0
"""The errors of the virtual machine. Each message says what to do."""


class VmError(RuntimeError):
    """The machine did not start, or ended before its command did."""


class VmUnavailable(VmError):
    """No virtual machine is possible here, since a program or a kernel is missing."""


class VmNotUp(VmError):
    """The machine ended before it was up, or was not up in time."""


class VmDeadline(VmError):
    """The deadline passed before the command had ended."""
