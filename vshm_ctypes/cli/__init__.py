# SPDX-License-Identifier: Apache-2.0
"""The vshm command: one file for each verb."""
