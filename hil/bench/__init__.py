# SPDX-License-Identifier: Apache-2.0
"""Compares this library with other ways of passing frames between processes on one machine."""
