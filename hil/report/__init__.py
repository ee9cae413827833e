# SPDX-License-Identifier: Apache-2.0
"""What a run found: kept as run.json, shown as a page, as a screen of text, and beside another run."""
