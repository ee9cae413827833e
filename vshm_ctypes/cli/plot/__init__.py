# SPDX-License-Identifier: Apache-2.0
"""vshm plot: draws the log of a watch."""

from .verb import VERB

__all__ = ["VERB"]
