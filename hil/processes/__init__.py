# SPDX-License-Identifier: Apache-2.0
"""Other programs: how they are started, answered and ended with all that they started."""
