# SPDX-License-Identifier: Apache-2.0
"""Runs the suite on shared boards, which labgrid reserves, and collects their reports on one page."""
