# SPDX-License-Identifier: Apache-2.0
"""A USB camera with a microphone in a process, plugged into the kernel's own drivers, with every fault on request."""
