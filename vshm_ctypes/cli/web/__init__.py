# SPDX-License-Identifier: Apache-2.0
"""The page that vshm serve serves. Imported only by vshm serve: it needs aiohttp, and for some browsers PyAV."""
