# SPDX-License-Identifier: Apache-2.0
"""The descriptors of a microphone (USB Audio Class 1.0): one channel of 16 bits, at 48 kHz."""

from __future__ import annotations

import struct

from . import descriptors as usb

CONTROL, STREAMING = 2, 3  # the numbers of the interfaces, behind those of the camera
MICROPHONE, FEATURES, OUTPUT = 1, 2, 3  # the numbers of the entities
SOUND_ENDPOINT = 2
RATE_HZ, SAMPLE_BYTES = 48_000, 2
PACKETS_PER_S = 1000
_CLASS_SPECIFIC, _CLASS_ENDPOINT, _AUDIO = 0x24, 0x25, 1
_INTERVAL = 4  # a packet in every 2 ** (4 - 1) microframes, which is one in a millisecond
PACKET_BYTES = RATE_HZ // PACKETS_PER_S * SAMPLE_BYTES
# Where an emulated machine asks for an eighth of the packets, all the sound is sent. snd-usb-audio makes room for
# a quarter more than the rate takes, and for largest packets only where an endpoint says that it sends no others.
MOST_PACKET_BYTES = 8 * PACKET_BYTES
_LARGEST_PACKETS = 0x80
_MUTE_AND_VOLUME = 3


def interfaces() -> bytes:
    """Return the two interfaces of the microphone."""
    control, streaming = (_AUDIO, 1, 0), (_AUDIO, 2, 0)
    entities = struct.pack("<BBBBHBBHBB", 12, _CLASS_SPECIFIC, 2, MICROPHONE, 0x0201, 0, 1, 0, 0, 0)
    entities += struct.pack("<9B", 9, _CLASS_SPECIFIC, 6, FEATURES, MICROPHONE, 1, _MUTE_AND_VOLUME, 0, 0)
    entities += struct.pack("<BBBBHBBB", 9, _CLASS_SPECIFIC, 3, OUTPUT, 0x0101, 0, FEATURES, 0)
    out = usb.association(CONTROL, (_AUDIO, 0, 0)) + usb.interface(CONTROL, 0, 0, control)
    out += struct.pack("<BBBHHBB", 9, _CLASS_SPECIFIC, 1, 0x0100, 9 + len(entities), 1, STREAMING) + entities
    out += usb.interface(STREAMING, 0, 0, streaming) + usb.interface(STREAMING, 1, 1, streaming)
    out += struct.pack("<BBBBBH", 7, _CLASS_SPECIFIC, 1, OUTPUT, 1, 1)  # PCM
    out += struct.pack("<8B", 11, _CLASS_SPECIFIC, 2, 1, 1, SAMPLE_BYTES, 8 * SAMPLE_BYTES, 1)
    out += RATE_HZ.to_bytes(3, "little")
    endpoint = usb.IN | SOUND_ENDPOINT
    out += struct.pack("<BBBBHBBB", 9, usb.ENDPOINT, endpoint, usb.ISOCHRONOUS, MOST_PACKET_BYTES, _INTERVAL, 0, 0)
    return out + struct.pack("<BBBBBH", 7, _CLASS_ENDPOINT, 1, _LARGEST_PACKETS, 0, 0)
