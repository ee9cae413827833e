# SPDX-License-Identifier: Apache-2.0
"""Measuring in blocks: new processes, one schedule, one library or peer, and what its processes saw."""
