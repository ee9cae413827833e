# SPDX-License-Identifier: Apache-2.0
"""Pictures for programs: numpy arrays of raw frames, and of what PyAV decodes. Loaded at the first use only."""
