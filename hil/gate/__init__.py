# SPDX-License-Identifier: Apache-2.0
"""The regression gate: is this build of the C library worse than that one? With known error rates."""
