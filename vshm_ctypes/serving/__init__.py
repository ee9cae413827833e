# SPDX-License-Identifier: Apache-2.0
"""Network servers: listening addresses (listening), limits of clients (door), and sending to WebSockets (sender)."""
