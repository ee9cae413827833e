# SPDX-License-Identifier: Apache-2.0
"""Writers and consumers as processes of their own. They measure; the harness that starts them judges."""
