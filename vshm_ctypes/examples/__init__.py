# SPDX-License-Identifier: Apache-2.0
"""Short programs that show what rings are good for: ``python -m vshm_ctypes.examples.recorder --help``."""
