# SPDX-License-Identifier: Apache-2.0
"""vshm check: what is wrong on this machine, why, and what to do."""

from .verb import VERB

__all__ = ["VERB"]
