# SPDX-License-Identifier: Apache-2.0
"""Sound beside the pictures: from a microphone, or what stands in for one, into a ring of its own."""
