# SPDX-License-Identifier: Apache-2.0
"""The hil command, with one file per verb."""
