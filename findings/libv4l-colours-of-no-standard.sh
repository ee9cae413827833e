#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libv4l, which hands out RGB for cameras that have none of it, turns most kinds of YUV into RGB with numbers of no standard:
# brightness as of full range, blue nearly as of limited range (2.000; 2.018 by BT.601), red of neither (1.500; 1.402 in
# full range, 1.596 in limited). Whatever the camera sends, the colours are wrong, and no later step can repair both: black and
# white of limited range come out as dark and light grey beside colours that are as strong as they should be, and in
# full range colours are up to 13 % too strong. Only NV12 has a conversion of its own, to the standard for full range.
# So a camera's picture changes its colours when a program takes NV12 of the same camera in place of YUYV, and
# VIDIOC_S_FMT's fields for the range and the matrix (quantization, ycbcr_enc) change nothing. Expected was BT.601 by the
# range that the driver says, or at least one way for all kinds.
#
# Seen with libv4lconvert 1.22.1 (Debian 12), the first pixel of one colour (Y Cb Cr), the three ranges alike:
#                   of YUYV UYVY YVYU NV16 YU12 YV12   of NV12      by BT.601, full    by BT.601, limited
#     16 128 128     16  16  16                         16  16  16    16  16  16          0   0   0
#     235 128 128   235 235 235                        235 235 235   235 235 235        255 255 255
#     128 128 192   224  80 128                        217  83 128   218  82 128        233  78 130
#     128 180 128   128 109 232                        128 111 220   128 110 220        130 110 235
# Exits 0 while that is so, 1 where it has changed. Needs Debian 12 on amd64, its Python 3.11, and a network; no camera.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

apt-get download -qq -o APT::Sandbox::User=root libv4lconvert0=1.22.1-5+b2 libjpeg62-turbo=1:2.1.5-2
for package in *.deb; do dpkg -x "$package" root; done

cat >look.py <<'PYTHON'
import ctypes
import os
import struct
import sys

WIDTH, HEIGHT = 32, 16
PIXELS = WIDTH * HEIGHT
QUERYCAP, CAPTURE, NO_FIELD, NOT_A_TTY = 0x80685600, 1, 1, 25
DEFAULT_RANGE, FULL, LIMITED = 0, 1, 2  # V4L2_QUANTIZATION_*
BT601 = 1  # V4L2_YCBCR_ENC_601
KINDS = {  # how a picture of one colour is laid out, and the bytes of a line
    "YUYV": (lambda y, u, v: bytes([y, u, y, v]) * (PIXELS // 2), 2 * WIDTH),
    "UYVY": (lambda y, u, v: bytes([u, y, v, y]) * (PIXELS // 2), 2 * WIDTH),
    "YVYU": (lambda y, u, v: bytes([y, v, y, u]) * (PIXELS // 2), 2 * WIDTH),
    "NV16": (lambda y, u, v: bytes([y]) * PIXELS + bytes([u, v]) * (PIXELS // 2), WIDTH),
    "YU12": (lambda y, u, v: bytes([y]) * PIXELS + bytes([u]) * (PIXELS // 4) + bytes([v]) * (PIXELS // 4), WIDTH),
    "YV12": (lambda y, u, v: bytes([y]) * PIXELS + bytes([v]) * (PIXELS // 4) + bytes([u]) * (PIXELS // 4), WIDTH),
    "NV12": (lambda y, u, v: bytes([y]) * PIXELS + bytes([u, v]) * (PIXELS // 4), WIDTH),
}
EXPECTED = {  # of all kinds but NV12, and of NV12
    (16, 128, 128): ((16, 16, 16), (16, 16, 16)),
    (235, 128, 128): ((235, 235, 235), (235, 235, 235)),
    (128, 128, 192): ((224, 80, 128), (217, 83, 128)),
    (128, 180, 128): ((128, 109, 232), (128, 111, 220)),
}
Ioctl = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)
library = ctypes.CDLL("libv4lconvert.so.0")
library.v4lconvert_create_with_dev_ops.restype = ctypes.c_void_p
errno = ctypes.CDLL(None).__errno_location
errno.restype = ctypes.POINTER(ctypes.c_int)


class Operations(ctypes.Structure):
    """struct libv4l_dev_ops, for what stands for a device here: all that it can do is to tell its name."""

    _fields_ = [("init", ctypes.c_void_p), ("close", ctypes.c_void_p), ("ioctl", Ioctl), ("rest", ctypes.c_void_p * 12)]


def answer(_state: int, _descriptor: int, request: int, argument: int) -> int:
    if request & 0xFFFFFFFF != QUERYCAP:
        errno()[0] = NOT_A_TTY
        return -1
    told = struct.pack("<16s32s32sIII12x", b"none", b"none", b"platform:none", 0x60100, 0x84200001, 0x04200001)
    ctypes.memmove(argument, told, len(told))
    return 0


def v4l2_format(kind: str, line: int, size: int, quantization: int) -> bytes:
    fourcc = int.from_bytes(kind.encode(), "little")
    picture = struct.pack("<12I", WIDTH, HEIGHT, fourcc, NO_FIELD, line, size, 0, 0xFEEDCAFE, 0, BT601, quantization, 0)
    return struct.pack("<I4x200s", CAPTURE, picture)


def converted(handle: int, kind: str, colour: tuple[int, int, int], quantization: int) -> tuple[int, ...]:
    laid_out, line = KINDS[kind]
    picture, rgb = laid_out(*colour), ctypes.create_string_buffer(3 * PIXELS)
    size = library.v4lconvert_convert(
        ctypes.c_void_p(handle),
        v4l2_format(kind, line, len(picture), quantization),
        v4l2_format("RGB3", 3 * WIDTH, len(rgb), quantization),
        ctypes.create_string_buffer(picture, len(picture)), len(picture), rgb, len(rgb),
    )
    assert size == len(rgb), f"{kind} is not converted"
    return tuple(rgb.raw[:3])


operations = Operations(ioctl=Ioctl(answer))
handle = library.v4lconvert_create_with_dev_ops(os.open(os.devnull, os.O_RDWR), None, ctypes.byref(operations))
same = True
for colour, (most, nv12) in EXPECTED.items():
    for kind in KINDS:
        seen = {converted(handle, kind, colour, quantization) for quantization in (DEFAULT_RANGE, FULL, LIMITED)}
        print(f"{colour} as {kind}: {seen}")
        same = same and seen == {nv12 if kind == "NV12" else most}
sys.exit(0 if same else "it has changed")
PYTHON

LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu python3 look.py
