# SPDX-License-Identifier: Apache-2.0
"""The file of vshm bundle: its members and its archive, for writing and for reading."""
