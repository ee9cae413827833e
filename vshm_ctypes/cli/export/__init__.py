# SPDX-License-Identifier: Apache-2.0
"""vshm export: figures for monitoring."""

from .verb import VERB

__all__ = ["VERB"]
