# SPDX-License-Identifier: Apache-2.0
"""Figures and verdicts on them: latencies, limits, exit codes, and the frame of all pages."""
