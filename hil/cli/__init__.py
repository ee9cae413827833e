# SPDX-License-Identifier: Apache-2.0
"""The hil command: one file for each verb."""
