# SPDX-License-Identifier: Apache-2.0
"""Parses encoded video as it comes from cameras and files: access units, entry points, parameter sets, picture formats.

It handles H.264 and H.265 in byte stream format (annex B of both standards), and JPEG. Every function accepts any
bytes: damaged data is refused with a StreamError or passed over, and nothing else is raised.
"""

from .access_unit import AccessUnit, EntryPoint
from .entry_point import entry_point
from .errors import StreamError
from .jpeg import JpegPicture, read_jpeg, whole_jpeg
from .nal import Nal, nal_units
from .parameter_sets import ParameterSets
from .picture_format import PictureFormat, picture_format
from .picture_order import Order, PictureOrder
from .splitter import MAX_PENDING, Splitter

__all__ = [
    "MAX_PENDING",
    "AccessUnit",
    "EntryPoint",
    "JpegPicture",
    "Nal",
    "Order",
    "ParameterSets",
    "PictureFormat",
    "PictureOrder",
    "Splitter",
    "StreamError",
    "entry_point",
    "nal_units",
    "picture_format",
    "read_jpeg",
    "whole_jpeg",
]
