# SPDX-License-Identifier: Apache-2.0
"""Where pictures come from: one file for each kind of source."""
