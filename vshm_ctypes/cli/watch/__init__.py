# SPDX-License-Identifier: Apache-2.0
"""vshm watch: each second of one ring, or of all."""

from .verb import VERB

__all__ = ["VERB"]
