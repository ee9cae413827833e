# SPDX-License-Identifier: Apache-2.0
"""vshm export: metrics for monitoring."""
