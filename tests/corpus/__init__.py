# SPDX-License-Identifier: Apache-2.0
"""Small streams from many encoders, and how they are made: README.md tells what is special about each."""
