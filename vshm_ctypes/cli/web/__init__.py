# SPDX-License-Identifier: Apache-2.0
"""The page of vshm serve, which alone imports this: it needs aiohttp, and for some browsers PyAV."""
