# SPDX-License-Identifier: Apache-2.0
"""The standard Huffman tables, which Motion JPEG may leave out: ITU-T T.81, annex K.3."""

from __future__ import annotations

import struct

# Tables K.3 to K.6 by class (0: DC, 1: AC) and destination (0: luminance, 1: chrominance): the number of codes of each
# length from 1 to 16 bits, then the values in order of their codes.
_COUNTS_AND_VALUES = {
    (0, 0): "00010501010101010100000000000000 000102030405060708090a0b",
    (0, 1): "00030101010101010101010000000000 000102030405060708090a0b",
    (1, 0): """
        0002010303020403050504040000017d
        01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435
        363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798
        999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4
        f5f6f7f8f9fa""",
    (1, 1): """
        00020102040403040705040400010277
        000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a
        35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a9293949596
        9798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4
        f5f6f7f8f9fa""",
}
STANDARD_TABLES = frozenset(_COUNTS_AND_VALUES)


def huffman_segment(tables: list[tuple[int, int]]) -> bytes:
    """Return a DHT segment with the given standard tables, each named by (class, destination)."""
    body = b"".join(
        bytes([kind << 4 | place]) + bytes.fromhex(_COUNTS_AND_VALUES[kind, place]) for kind, place in tables
    )
    return b"\xff\xc4" + struct.pack(">H", 2 + len(body)) + body
