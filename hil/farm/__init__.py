# SPDX-License-Identifier: Apache-2.0
"""Boards that others share: labgrid reserves each, hil run runs there, and the reports come to one page."""
