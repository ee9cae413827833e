# SPDX-License-Identifier: Apache-2.0
"""vshm plot: pictures of a watch's log."""

from .verb import VERB

__all__ = ["VERB"]
