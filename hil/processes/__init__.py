# SPDX-License-Identifier: Apache-2.0
"""Starts other programs, waits for their answers, and ends them with all that they started."""
