# SPDX-License-Identifier: Apache-2.0
"""Sound beside the pictures: from a microphone or another source into a ring of its own."""
