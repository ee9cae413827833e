# SPDX-License-Identifier: Apache-2.0
"""vshm bundle: all that somebody far away needs to understand a board, in one file."""

from .verb import VERB

__all__ = ["VERB"]
