# SPDX-License-Identifier: Apache-2.0
"""The exception for data that can't be parsed."""

from __future__ import annotations


class StreamError(ValueError):
    """The data is not a stream of that codec, or is damaged."""
