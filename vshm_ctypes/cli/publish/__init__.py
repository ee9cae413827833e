# SPDX-License-Identifier: Apache-2.0
"""vshm publish: publishes rings to servers. The verb hands frames to a muxer in a process that can always be ended."""
