# SPDX-License-Identifier: Apache-2.0
"""Hardware in the loop: real V4L2 cameras through the producer into parallel consumers, and a verdict."""
