# SPDX-License-Identifier: Apache-2.0
"""Imports v4l2py without the warning, at each import, that it is continued under another name."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from v4l2py import device as v4l2

__all__ = ["v4l2"]
