# SPDX-License-Identifier: Apache-2.0
"""Runs hil run on shared boards that labgrid reserves, and collects their reports on one page."""
