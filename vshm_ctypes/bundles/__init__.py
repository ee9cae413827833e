# SPDX-License-Identifier: Apache-2.0
"""The file that vshm bundle writes: its members, and how it is packed; for who writes one and who reads one."""
