# SPDX-License-Identifier: Apache-2.0
"""v4l2py, without the warning that it gives at each import: that its maintainer goes on under another name."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from v4l2py import device as v4l2

__all__ = ["v4l2"]
