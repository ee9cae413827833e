# SPDX-License-Identifier: Apache-2.0
"""Network servers: addresses (listen_address), limits of clients (client_limits), sending to WebSockets (sender)."""
