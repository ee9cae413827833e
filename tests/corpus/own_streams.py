# SPDX-License-Identifier: Apache-2.0
"""More streams that own_h264 makes: each function is one, and its docstring says what is special about it."""

from dataclasses import replace

from corpus import bits
from corpus.own_h264 import I, P, Pps, Sps, delimiter, filler, multiview, recovery_point, sei
from corpus.own_pictures import GOP, pictures, stream, written

# User data of ATSC A/53: an empty pair of closed captions.
CAPTIONS = b"\x04\x0e\xb5\0\x31GA94\x03\x41\xff\xfc\x80\x80\xff"


@stream
def two_picture_parameter_sets() -> bytes:
    """Pictures use two picture parameter sets in turn, both sent once only."""
    sets = (Pps(3), Pps(7, qp=2))
    frames = [replace(frame, pps=sets[number % 2]) for number, frame in enumerate(pictures(12, gop=6))]
    first, *rest = frames
    once = written([first], pps=sets)
    return once + b"".join(b"".join(frame.units(Sps())) for frame in rest)


@stream
def two_sequence_parameter_sets() -> bytes:
    """Two sequence parameter sets, sent once only; each IDR picture uses the other one."""
    sps = (Sps(number=0), Sps(number=1, references=1))
    pps = (Pps(0, sps=0), Pps(1, sps=1))
    out = sps[0].unit() + sps[1].unit() + pps[0].unit() + pps[1].unit()
    for number, frame in enumerate(pictures(12)):
        which = number // GOP % 2
        out += b"".join(replace(frame, pps=pps[which]).units(sps[which]))
    return out


@stream
def picture_parameter_set_changes() -> bytes:
    """A picture parameter set is sent again under the same id with other contents, between IDR pictures."""
    out = Sps().unit()
    for number, frame in enumerate(pictures(12, gop=6)):
        if number % 3 == 0:
            out += Pps(qp=number // 3).unit()
        out += b"".join(frame.units(Sps()))
    return out


@stream
def size_changes() -> bytes:
    """48x32, then 32x48, then 48x32 again, under the same ids."""
    out = b""
    for sps in (Sps(), Sps(width_mbs=2, map_units=3), Sps()):
        out += written(pictures(4), sps)
    return out


@stream
def cropped() -> bytes:
    """42x28: the crop rectangle leaves out 2 columns left, 4 right, 2 lines above, 2 below."""
    return written(pictures(8), Sps(crop=(1, 2, 1, 1)))


@stream
def rate_in_the_stream() -> bytes:
    """The VUI says 12 frames per second."""
    return written(pictures(8), Sps(fps=12))


@stream
def idr_pictures_only() -> bytes:
    """Every picture is an IDR picture: neighbours differ in idr_pic_id alone."""
    return written(pictures(10, gop=1))


@stream
def auxiliary_pictures() -> bytes:
    """Behind each picture comes an auxiliary coded picture (NAL unit type 19), as for transparency."""
    sps = Sps(profile=100)
    extension = bits.nal(b"\x0d", bits.Bits().ue(0, 1, 0).flags(0).u(9, 255).u(9, 0).flags(0).end())
    out = b""
    for frame in pictures(10):
        sets = sps.unit() + extension + Pps().unit() if frame.idr else b""
        out += sets + b"".join(replace(frame, auxiliary=True).units(sps))
    return out


@stream
def second_view() -> bytes:
    """As multiview encoders write it: prefix NAL units (14), a subset SPS (15), and a second view's slices (20)."""
    sps = Sps(profile=100)
    subset = bits.nal(b"\x6f", b"\x76" + sps.unit()[6:-1] + b"\x80")
    out = b""
    for frame in pictures(10):
        out += sps.unit() + subset + Pps().unit() if frame.idr else b""
        out += b"".join(replace(frame, prefix=True).units(sps))
        other = frame.units(sps)[0][5:]
        out += bits.START_CODE + b"\x74" + multiview(frame.idr, 1) + other
    return out


@stream
def memory_management_5() -> bytes:
    """Every fifth picture forgets all references and restarts frame_num (memory_management_control_operation 5)."""
    frames, since = [], 0
    for number, frame in enumerate(pictures(12, gop=12)):
        frames.append(replace(frame, frame_num=since, poc=2 * since, forget_all=number % 5 == 4))
        since = 1 if number % 5 == 4 else since + 1
    return written(frames)


@stream
def recovery_points() -> bytes:
    """One IDR picture; each fourth picture after it is an I picture behind a recovery point message."""
    out = b""
    for number, frame in enumerate(pictures(14, gop=14)):
        enters = number and number % 4 == 0
        sets = Sps().unit() + Pps().unit() if enters or frame.idr else b""
        one = replace(frame, kind=I) if enters else frame
        out += sets + (recovery_point(0) if enters else b"") + b"".join(one.units(Sps()))
    return out


@stream
def recovery_points_behind_other_messages() -> bytes:
    """As recovery_points, but the message is the third of its NAL unit, behind one of 300 bytes."""
    out = b""
    for number, frame in enumerate(pictures(14, gop=14)):
        enters = number and number % 4 == 0
        sets = Sps().unit() + Pps().unit() if enters or frame.idr else b""
        one = replace(frame, kind=I) if enters else frame
        others = b"\x05\xff\x2d" + bytes(range(1, 151)) * 2 + CAPTIONS
        out += sets + (recovery_point(0, others) if enters else b"") + b"".join(one.units(Sps()))
    return out


@stream
def intra_pictures_unmarked() -> bytes:
    """One IDR picture; each fourth picture after it is an I picture that nothing marks: no entry point."""
    frames = pictures(14, gop=14)
    return written([replace(one, kind=P if number % 4 else I) for number, one in enumerate(frames)])


@stream
def begins_mid_picture() -> bytes:
    """The first bytes are the middle of a slice, then come two more slices of that picture."""
    frames = [replace(frame, slices=(0, 2, 4)) for frame in pictures(10)]
    first = b"".join(frames[1].units(Sps()))
    return first[len(first) // 3 - 4 :] + written(frames[2:])


@stream
def begins_between_keyframes() -> bytes:
    """Pictures first, whose parameter sets never came; then the stream proper."""
    frames = pictures(10)
    return b"".join(b"".join(frame.units(Sps())) for frame in frames[2:4]) + written(frames[4:])


@stream
def ends_of_sequence() -> bytes:
    """End of sequence before each later IDR picture, whose header equals the first one's; end of stream and a zero."""
    out = b""
    for number, frame in enumerate(pictures(12)):
        if number and frame.idr:
            out += bits.nal(b"\x0a")
        out += written([replace(frame, idr_number=0)])
    return out + bits.nal(b"\x0b") + bytes(1)


@stream
def everything_between() -> bytes:
    """Delimiters, two SEI messages, filler, unspecified NAL unit types (24 and 30) and zeros between."""
    out = b""
    for number, frame in enumerate(pictures(10)):
        sets = Sps().unit() + Pps().unit() if frame.idr else b""
        message = sei(5, bytes(range(16)) + b"text %d" % number)
        out += delimiter() + sets + message + sei(4, b"\xb5\0\x31") + b"".join(frame.units(Sps()))
        out += filler(20) + bits.nal(b"\x18", b"unspecified") + bits.nal(b"\x7e", b"\xff\x80") + bytes(number % 3)
    return out


@stream
def three_byte_start_codes() -> bytes:
    """Start codes of three bytes within pictures, and zeros behind their ends, as some hardware pads buffers."""
    out = b""
    for number, frame in enumerate(pictures(10)):
        picture = written([replace(frame, slices=(0, 3))])
        out += picture.replace(b"\0\0\0\1", b"\0\0\1") + bytes(number % 5)
    return out
