# SPDX-License-Identifier: Apache-2.0
"""vshm check: finds what is wrong on this machine, why it matters, and what to do."""
