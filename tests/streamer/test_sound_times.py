# SPDX-License-Identifier: Apache-2.0
"""When sound was captured, and frames cut of it: whatever clock, rate, format and layout it comes with."""

import itertools
from collections.abc import Iterator
from typing import Any

import av
import numpy
import pytest
from numpy.typing import NDArray
from streamers import pitch_hz

from hil.streamer.sound.cutter import Cutter
from hil.streamer.sound.options import Sound
from hil.streamer.sound.sample_clock import LEAK, LOSS_NS, SampleClock
from hil.streamer.sources.source import Captured, SourceError

MS = 1_000_000
BEGIN_NS = 10**13


def test_the_least_late_tells_the_time_of_the_rest() -> None:
    clock = SampleClock(48000)
    delays = [7, 3, 9, 0, 30, 2, 25, 1]  # ms that each tenth of a second came late
    times = [clock.first_ns(4800, (at * 100 + 100 + late) * MS)[0] / MS for at, late in enumerate(delays)]
    for at, (time_ms, least) in enumerate(zip(times, [7, 3, 3, 0, 0, 0, 0, 0], strict=True)):
        assert time_ms == pytest.approx(at * 100 + least, abs=100 * 8 / LEAK + 0.01)


def test_a_clock_that_drifts_is_followed() -> None:
    clock = SampleClock(48000)
    for at in range(3000):  # a card that is slower by a ten-thousandth
        begin_ns, lost = clock.first_ns(4800, round((at + 1) * 100 * MS * 1.0001))
        assert not lost
    assert abs(begin_ns - 2999 * 100 * MS * 1.0001) < 2 * MS


def test_lost_sound_is_noticed_and_a_hold_up_is_none() -> None:
    clock = SampleClock(48000)
    came_ms, losses = 0.0, []
    for at in range(60):
        came_ms += 20 + (300 if at == 20 else 0)
        _, lost = clock.first_ns(960, round(came_ms * MS))
        losses.append(lost)
    assert losses.index(True) in range(44, 48) and losses.count(True) == 1
    clock = SampleClock(48000)
    assert not any(clock.first_ns(960, (at * 20 + (400 if at in (20, 21, 22) else 20)) * MS)[1] for at in range(60))
    assert LOSS_NS > 20 * MS


def chunk(samples: int, rate: int = 48000) -> av.AudioFrame:
    frame = av.AudioFrame(format="s16", layout="stereo", samples=samples)
    frame.planes[0].update(bytes(samples * 4))
    frame.sample_rate = rate
    return frame


def test_sound_is_cut_to_frames_that_follow_each_other_without_a_gap() -> None:
    cutter = Cutter(Sound("testaudio", codec="pcm"))
    found, at = [], 0
    for samples in (100, 959, 1, 3000, 7, 953, 2000):
        found += [told for _, told in cutter.cut(Captured(10**12 + at * 10**9 // 48000, sound=chunk(samples)))]
        at += samples
    assert len(found) == at // 960
    for number, told in enumerate(found):
        assert told.capture_ns == pytest.approx(10**12 + number * 20 * MS, abs=2)
    assert not any(told.discontinuity for told in found)


@pytest.mark.parametrize("flagged", [False, True])
def test_a_frame_is_never_made_of_two_sides_of_a_gap(flagged: bool) -> None:
    cutter = Cutter(Sound("testaudio", codec="pcm"))
    assert list(cutter.cut(Captured(0, sound=chunk(500)))) == []
    after_ns = 500 * 10**9 // 48000 if flagged else 1000 * MS
    ((_, told),) = cutter.cut(Captured(after_ns, sound=chunk(1000), discontinuity=flagged))
    assert (told.capture_ns, told.discontinuity) == (after_ns, True)
    ((_, told),) = cutter.cut(Captured(after_ns + 1000 * 10**9 // 48000, sound=chunk(920)))
    assert not told.discontinuity


# ---- other rates, formats and layouts; also midway ----


def tone(rate: int, form: str = "s16", layout: str = "stereo", seconds: float = 1.0, hz: float = 440) -> av.AudioFrame:
    wave = numpy.sin(2 * numpy.pi * hz * numpy.arange(round(rate * seconds)) / rate) / 4
    kind = av.AudioFormat(form)
    kinds = {"flt": (1, "f4"), "dbl": (1, "f8"), "s16": (32767, "i2"), "s32": (2147483647, "i4")}
    scale, exact = kinds[form.removesuffix("p")]
    samples = (wave * scale).astype(exact)
    count = av.AudioLayout(layout).nb_channels
    rows = numpy.tile(samples, (count, 1)) if kind.is_planar else samples.repeat(count)[None, :]
    frame = av.AudioFrame.from_ndarray(numpy.ascontiguousarray(rows), format=form, layout=layout)
    frame.sample_rate = rate
    return frame


def cut(sound: Sound, *frames: av.AudioFrame) -> tuple[NDArray[numpy.int16], list[Captured]]:
    """Return one channel, and what is told of each frame; the pieces follow one another."""
    cutter, at_ns, found = Cutter(sound), BEGIN_NS, []
    for frame in frames:
        found += list(cutter.cut(Captured(at_ns, sound=frame)))
        at_ns += round(frame.samples * 1e9 / frame.sample_rate)
    samples = numpy.frombuffer(b"".join(data for data, _ in found), "<i2")
    return samples[:: sound.channels], [told for _, told in found]


@pytest.mark.parametrize(
    ("rate", "form", "layout"),
    [
        (8000, "s16", "mono"),
        (192000, "s32", "stereo"),
        (44100, "fltp", "5.1"),
        (48000, "flt", "7.1"),
        (96000, "dblp", "quad"),
        (11025, "flt", "3.0"),
        (46875, "s16", "stereo"),
        (48000, "s16", "3 channels"),
        (48000, "s16", "16 channels"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_whatever_it_is_made_of_it_sounds_the_same(rate: int, form: str, layout: str, channels: int) -> None:
    samples, told = cut(Sound("testaudio", codec="pcm", channels=channels), tone(rate, form, layout))
    assert len(told) in (49, 50)
    assert pitch_hz(samples, 48000) == pytest.approx(440, abs=1)
    assert numpy.abs(samples).max() > 2000
    assert told[0].capture_ns == BEGIN_NS


def test_a_layout_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(SourceError, match=r"sound of 9 channels in s16 can.t be made into stereo"):
        cut(Sound("testaudio", codec="pcm"), tone(48000, layout="9 channels"))


def test_rate_format_and_layout_may_change_midway_and_nothing_is_lost() -> None:
    pieces = [tone(48000), tone(44100), tone(44100, "fltp", "5.1"), tone(8000, "s16", "mono"), tone(48000)]
    samples, told = cut(Sound("testaudio", codec="pcm", channels=1), *pieces)
    assert len(told) in (249, 250)
    for at in range(5):
        assert pitch_hz(samples[at * 48000 + 4800 : (at + 1) * 48000 - 4800], 48000) == pytest.approx(440, abs=2)
    steps = {after.capture_ns - before.capture_ns for before, after in itertools.pairwise(told)}
    assert min(steps) > 19.9 * MS and max(steps) < 20.1 * MS
    assert not any(one.discontinuity for one in told)


# ---- a clock that is off ----


def heard(ppm: float, seconds: int, rate: int) -> Iterator[tuple[NDArray[Any], int]]:
    """Yield what a card hears that is so much fast, in tenths of a second, and when that comes, some ms late.

    A beep in the first tenth of each second.
    """
    random = numpy.random.default_rng(1)
    count = rate // 10
    real = rate * (1 + ppm * 1e-6)
    for at in range(seconds * 10):
        times_s = (at * count + numpy.arange(count)) / real
        wave = numpy.where(times_s % 1 < 0.1, numpy.sin(2 * numpy.pi * 1000 * times_s), 0) * 16000
        late_s = random.exponential(0.002) + (0.04 if random.random() < 0.02 else 0)
        yield wave.astype(numpy.int16), BEGIN_NS + round(((at + 1) * count / real + late_s) * 1e9)


@pytest.mark.parametrize("ppm", [-450, 450])
@pytest.mark.parametrize(("rate", "out"), [(16000, 16000), (16000, 48000)])
def test_a_clock_that_is_off_puts_no_sample_far_from_its_time(ppm: float, rate: int, out: int) -> None:
    """Three minutes at 450 ppm are 81 ms: a player that only counts samples stays within 5."""
    clock, cutter = SampleClock(rate), Cutter(Sound("testaudio", codec="pcm", rate=out, channels=1))
    parts, told = [], []
    for wave, came_ns in heard(ppm, 180, rate):
        frame = av.AudioFrame.from_ndarray(wave[None, :], format="s16", layout="mono")
        frame.sample_rate = rate
        begin_ns, lost = clock.first_ns(frame.samples, came_ns)
        assert not lost
        for data, one in cutter.cut(Captured(begin_ns, sound=frame)):
            parts.append(numpy.frombuffer(data, "<i2"))
            told.append(one)
    loud = numpy.flatnonzero(numpy.abs(numpy.concatenate(parts)) > 2000)
    onsets = loud[numpy.diff(loud, prepend=0) > out // 5]
    assert len(onsets) >= 179
    counted_s = onsets / out + (told[0].capture_ns - BEGIN_NS) / 1e9
    dated_s = [(told[at // len(parts[0])].capture_ns - BEGIN_NS) / 1e9 + at % len(parts[0]) / out for at in onsets]
    for times_s in (counted_s, numpy.array(dated_s)):
        assert numpy.abs(times_s - numpy.round(times_s)).max() < 0.005
    steps = numpy.diff([one.capture_ns for one in told])
    assert numpy.abs(steps - 20 * MS).max() < 4 * MS
    assert not any(one.discontinuity for one in told)


def test_what_needs_no_correction_stays_as_it_is_bit_for_bit() -> None:
    noise = numpy.random.default_rng(1).integers(-30000, 30000, (1, 96000)).astype(numpy.int16)
    cutter, parts = Cutter(Sound("testaudio", codec="pcm")), []
    for at in range(0, 96000, 960):
        frame = av.AudioFrame.from_ndarray(noise[:, at : at + 960].copy(), format="s16", layout="stereo")
        frame.sample_rate = 48000
        trembling_ns = BEGIN_NS + at // 2 * 10**9 // 48000 + at % 7 * 200_000
        parts += [data for data, _ in cutter.cut(Captured(trembling_ns, sound=frame))]
    assert b"".join(parts) == noise.tobytes()
