# SPDX-License-Identifier: Apache-2.0
"""The report of a run: kept as run.json, and shown as a page, as text on a terminal, or compared with another run."""
