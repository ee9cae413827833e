# SPDX-License-Identifier: Apache-2.0
"""Tests on a camera: a real one, or the kernel's vivid."""
