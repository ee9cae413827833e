# SPDX-License-Identifier: Apache-2.0
"""vshm plot: draws the log of a watch."""
