# SPDX-License-Identifier: Apache-2.0
"""The regression gate: decides with known error rates whether one build of the C library is worse than another."""
