# SPDX-License-Identifier: Apache-2.0
"""What is no stream of its codec."""

from __future__ import annotations


class StreamError(ValueError):
    """What came is no stream of that codec, or a damaged one."""
