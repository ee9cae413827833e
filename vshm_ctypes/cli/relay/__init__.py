# SPDX-License-Identifier: Apache-2.0
"""vshm relay: a ring on another machine, over Zenoh.

keys names things on the network, and wire says what goes over it; both trust nothing that comes in. network opens the
session. exporting sends a ring, with window as its brake and last_gop as its memory; importing finds what is exported,
mirror follows one export into a ring of this machine, and inlet decides which units are written. clock tells the two
boards' clocks apart.
"""
