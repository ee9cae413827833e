# SPDX-License-Identifier: Apache-2.0
"""This library beside what else carries frames between processes on one machine."""
