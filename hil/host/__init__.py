# SPDX-License-Identifier: Apache-2.0
"""The machine that measures: its stalls, its load, whether it is fit for timing, and what its kind is held to."""
