# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with the virtual machine; each message says what to do."""


class VmError(RuntimeError):
    """The machine did not come up, or ended before the command in it did."""


class VmUnavailable(VmError):
    """There can be no virtual machine here: a program or a kernel is missing."""


class VmNotUp(VmError):
    """The machine ended before it was up, or was not up in time."""


class VmDeadline(VmError):
    """Time was up before the command had ended."""
