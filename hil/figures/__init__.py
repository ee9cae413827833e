# SPDX-License-Identifier: Apache-2.0
"""Figures and what is said of them: latencies, limits, verdicts, exit codes, and the frame of their pages."""
