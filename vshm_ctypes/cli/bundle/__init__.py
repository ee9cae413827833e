# SPDX-License-Identifier: Apache-2.0
"""vshm bundle: what somebody far away needs to find a fault on a board, in one file."""
