# SPDX-License-Identifier: Apache-2.0
"""Encoded streams as cameras, encoders and files deliver them."""
