# SPDX-License-Identifier: Apache-2.0
"""vshm record: streams into files, each in the container that its name says."""

from .verb import VERB

__all__ = ["VERB"]
