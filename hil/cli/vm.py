# SPDX-License-Identifier: Apache-2.0
"""hil vm runs a command in a virtual machine that has cameras."""

from vshm_ctypes.commandline.verb import Verb

from ..vm.main import add_arguments, run

VERB = Verb("vm", "run a command in a virtual machine with vivid and USB cameras", add_arguments, run)
