# SPDX-License-Identifier: Apache-2.0
"""The machine that measures: its stalls, its load, its fitness for timing, and the limits of its board."""
