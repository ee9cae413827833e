# SPDX-License-Identifier: Apache-2.0
"""The sources of pictures, one file for each kind."""
