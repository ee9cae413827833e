# SPDX-License-Identifier: Apache-2.0
"""Writers and consumers as processes of their own: they measure, whoever started them judges."""
