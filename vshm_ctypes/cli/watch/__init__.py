# SPDX-License-Identifier: Apache-2.0
"""vshm watch: shows one ring or all rings, second by second."""
