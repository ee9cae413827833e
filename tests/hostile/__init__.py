# SPDX-License-Identifier: Apache-2.0
"""The hostile host run: each program of ours on each odd host, and what came of it."""
