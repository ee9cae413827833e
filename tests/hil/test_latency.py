# SPDX-License-Identifier: Apache-2.0
"""Latencies keep their three digits, through encoding too; what is no histogram is refused."""

import base64
import random

import pytest
from hdrh.histogram import HdrHistogram

from hil.figures.latency import HIGHEST_NS, LatencyHistogram


def of(*latencies_ns: int) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for latency_ns in latencies_ns:
        histogram.record(latency_ns)
    return histogram


def test_percentiles_are_those_of_the_values() -> None:
    histogram = of(*(n * 1000 for n in range(1, 1001)))
    assert histogram.count == 1000
    expected = {"p50": 500_000, "p90": 900_000, "p99": 990_000, "p99.9": 999_000, "max": 1_000_000}
    assert histogram.summary() == {name: pytest.approx(ns, rel=1e-3) for name, ns in expected.items()}


def test_one_long_latency_among_many_is_the_longest() -> None:
    # A mean would hide it.
    histogram = of(*[50_000] * 9999, 250_000_000)
    assert histogram.percentile(99.9) == pytest.approx(50_000, rel=1e-3)
    assert histogram.longest_ns == pytest.approx(250_000_000, rel=1e-3)


def test_nothing_recorded_is_no_latency_of_zero() -> None:
    # A percentile of 0 would keep to every budget.
    with pytest.raises(ValueError, match="no latency"):
        LatencyHistogram().percentile(50)


def test_a_negative_latency_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 ns"):
        of(-1)


def test_longer_than_the_scale_counts_as_its_end() -> None:
    histogram = of(HIGHEST_NS * 10)
    assert histogram.count == 1
    assert histogram.longest_ns == pytest.approx(HIGHEST_NS, rel=1e-3)


def test_added_and_decoded_ones_are_whole() -> None:
    values = [random.Random(1).randrange(1, 10**9) for _ in range(500)]
    first, second, together = of(*values[:200]), of(*values[200:]), of(*values)
    first.add(LatencyHistogram.decode(second.encode()))
    assert first.count == together.count
    assert first.summary() == together.summary()
    assert first.distribution() == together.distribution()
    assert LatencyHistogram.decode(LatencyHistogram().encode()).count == 0


def test_other_tools_of_hdrhistogram_read_it() -> None:
    theirs = HdrHistogram.decode(of(1000, 2000, 3000).encode())
    assert theirs.get_total_count() == 3
    assert theirs.get_value_at_percentile(50) == pytest.approx(2000, rel=1e-3)


def test_the_distribution_rises_to_one() -> None:
    points = of(1000, 1000, 2000, 4000).distribution()
    assert [share for _, share in points] == [0.5, 0.75, 1.0]
    assert [ns for ns, _ in points] == [pytest.approx(ns, rel=1e-3) for ns in (1000, 2000, 4000)]


def another_shape() -> str:
    encoded: bytes = HdrHistogram(1, 1000, 2).encode()
    return encoded.decode()


@pytest.mark.parametrize(
    "encoded",
    ["", "?", "AAAA", "HISTFAAA", of(5).encode()[:-9], base64.b64encode(bytes(80)).decode(), "A" * 10**6, "é"],
)
def test_what_is_no_histogram_is_refused(encoded: str) -> None:
    with pytest.raises(ValueError, match="no histogram"):
        LatencyHistogram.decode(encoded)


def test_a_histogram_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="another shape"):
        LatencyHistogram.decode(another_shape())


def test_flipped_bits_are_refused_or_read_but_never_crash() -> None:
    data = base64.b64decode(of(1000, 20_000, 3_000_000).encode())
    refused = 0
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            LatencyHistogram.decode(base64.b64encode(flipped).decode())
        except ValueError:
            refused += 1
    assert refused > len(data) * 4
