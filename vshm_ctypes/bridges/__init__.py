# SPDX-License-Identifier: Apache-2.0
"""What all bridges share: programs that hand a ring's frames to a far side that may be slow, or gone.

hand_over keeps frames between the reader and the far side, in bounded memory; ring_reader fills it. statistics counts
what a bridge did, and figures is what it tells of that; publication and published show it to other processes. back_off
spaces attempts to connect, address hides credentials, and report prints. No bridge is in here.
"""
