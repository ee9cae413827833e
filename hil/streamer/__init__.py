# SPDX-License-Identifier: Apache-2.0
"""camera-streamer: a camera, an encoder, and the ring."""
