# SPDX-License-Identifier: Apache-2.0
"""What listens to a network: addresses (listening), how many clients there may be (door), and WebSockets (sender)."""
