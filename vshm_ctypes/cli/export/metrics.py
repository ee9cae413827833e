# SPDX-License-Identifier: Apache-2.0
"""The metrics of vshm export: their names, kinds and labels, and their current values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ...bridges.figures import BridgeFigures, Link, StreamFigures
from ...bridges.published import PREFIX as BRIDGE_PREFIX
from ...bridges.published import PublishedBridge
from ...codec import codec_name
from ...errors import VideoShmError
from ...info import RingInfo, State
from ...inspect import inspect_slots
from ...machine import Machine, Throttling
from ...published import PREFIX, PublishedConsumer

NS = 1e9


@dataclass(frozen=True, slots=True)
class Metric:
    """A family of samples. The samples of a counter carry the suffix _total."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...]

    @property
    def sample_name(self) -> str:
        """The name that queries use."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, with its labels in the metric's order."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, "counter", text, labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, "gauge", text, labels)


LATENCY = "vshm_latency_seconds"
LATENCY_HELP = "From a frame's publication until this exporter, a reader like any other, had it."
LATENCY_BUCKETS_S = (50e-6, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0)

# Metrics of every ring, straight from its figures.
RING_FIGURES: tuple[tuple[Metric, Callable[[RingInfo], float]], ...] = (
    (_counter("vshm_frames", "Frames written.", "ring"), lambda info: info.frames),
    (_gauge("vshm_slots", "Frames that the ring holds.", "ring"), lambda info: info.slots),
    (_gauge("vshm_slot_size_bytes", "The largest frame that fits.", "ring"), lambda info: info.slot_size),
)
# Metrics that a version 1 writer does not provide.
EXTENDED_FIGURES: tuple[tuple[Metric, Callable[[RingInfo], float]], ...] = (
    (_counter("vshm_keyframes", "Keyframes written.", "ring"), lambda info: info.keyframes),
    (_counter("vshm_payload_bytes", "Bytes of frames written.", "ring"), lambda info: info.bytes),
    (_gauge("vshm_writer_up", "1: the writer lives.", "ring"), lambda info: info.state == State.LIVE),
    (_counter("vshm_ring_remade", "Times the ring's name was removed and made anew.", "ring"), lambda i: i.remade),
    (_counter("vshm_semaphore_rearmed", "Times a dead holder's semaphore was re-armed.", "ring"), lambda i: i.rearmed),
)
DROPPED = _counter("vshm_dropped_frames", "Frames that the writer dropped, by cause.", "ring", "cause")
DROP_CAUSES: dict[str, Callable[[RingInfo], int]] = {
    "busy": lambda info: info.dropped_busy,
    "too_large": lambda info: info.dropped_too_large,
    "no_space": lambda info: info.dropped_no_space,
}
LAST_FRAME = _gauge("vshm_last_frame_timestamp_seconds", "When the newest frame was published, Unix time.", "ring")
RESTARTS = _counter(
    "vshm_writer_restarts", "Times a writer started where one had been, since the exporter began.", "ring"
)
STREAM = _gauge("vshm_stream_info", "1: what the newest frame is.", "ring", "codec", "width", "height")

# The label reader makes each reader a series of its own: a sum over several would fall when one of them leaves.
READER = ("ring", "pid", "name", "reader")
READER_FIGURES: tuple[tuple[Metric, Callable[[PublishedConsumer], int]], ...] = (
    (_counter("vshm_consumer_received_frames", "Frames that a reader had.", *READER), lambda reader: reader.received),
    (
        _counter("vshm_consumer_missed_frames", "Frames overwritten before a reader had them.", *READER),
        lambda r: r.missed,
    ),
    (
        _counter("vshm_consumer_skipped_frames", "Frames passed over by a reader's own policy.", *READER),
        lambda r: r.skipped,
    ),
)

# The label process makes each bridge a series of its own, as reader does for readers.
BRIDGE = ("bridge", "far", "pid", "process")
BRIDGE_FIGURES: tuple[tuple[Metric, Callable[[BridgeFigures], float]], ...] = (
    (_gauge("vshm_bridge_up", "1: the bridge's far side is connected.", *BRIDGE), lambda b: b.state == Link.UP),
    (_counter("vshm_bridge_reconnects", "Times the far side was connected anew.", *BRIDGE), lambda b: b.reconnects),
)
BRIDGED = (*BRIDGE, "ring")
BRIDGED_FIGURES: tuple[tuple[Metric, Callable[[StreamFigures], float]], ...] = (
    (_counter("vshm_bridge_received_frames", "Frames that a bridge has read.", *BRIDGED), lambda s: s.received),
    (
        _counter("vshm_bridge_missed_frames", "Frames overwritten before a bridge had them.", *BRIDGED),
        lambda s: s.missed,
    ),
    (_counter("vshm_bridge_sent_frames", "Frames that the far side has taken.", *BRIDGED), lambda s: s.sent),
    (_counter("vshm_bridge_sent_bytes", "Bytes that the far side has taken.", *BRIDGED), lambda s: s.sent_bytes),
    (_gauge("vshm_bridge_pending_frames", "Frames that wait in a bridge.", *BRIDGED), lambda s: s.pending),
)
BRIDGE_DROPPED = _counter(
    "vshm_bridge_dropped_frames", "Frames that a bridge read and did not send, by cause.", *BRIDGED, "cause"
)

TEMPERATURE = _gauge("vshm_board_temperature_celsius", "The hottest zone.")
CLOCK = _gauge("vshm_board_clock_hertz", "A processor's clock.", "cpu")
THROTTLED = _gauge("vshm_board_throttled", "1: so now, by the board's firmware or sensor.", "cause")
THROTTLED_EVER = _gauge("vshm_board_throttled_since_boot", "1: so at some time since boot.", "cause")
SHM_SIZE = _gauge("vshm_shared_memory_size_bytes", "/dev/shm in all.")
SHM_FREE = _gauge("vshm_shared_memory_free_bytes", "/dev/shm still free.")

METRICS: tuple[Metric, ...] = (
    *(metric for metric, _ in RING_FIGURES),
    *(metric for metric, _ in EXTENDED_FIGURES),
    *(DROPPED, LAST_FRAME, RESTARTS, STREAM),
    *(metric for metric, _ in READER_FIGURES),
    *(metric for metric, _ in BRIDGE_FIGURES),
    *(metric for metric, _ in BRIDGED_FIGURES),
    BRIDGE_DROPPED,
    *(TEMPERATURE, CLOCK, THROTTLED, THROTTLED_EVER, SHM_SIZE, SHM_FREE),
)


def ring_samples(name: str, info: RingInfo, restarts: int | None) -> Iterator[Sample]:
    """Yield the samples of one ring. restarts is the number of its writer's restarts, or None if it is not known.

    A ring that was removed and made anew counts from zero, which rate() and increase() take for a counter reset.
    """
    for metric, figure in RING_FIGURES:
        yield Sample(metric, (name,), figure(info))
    if info.extended:
        for metric, figure in EXTENDED_FIGURES:
            yield Sample(metric, (name,), figure(info))
        for cause, count in DROP_CAUSES.items():
            yield Sample(DROPPED, (name, cause), count(info))
        if restarts is not None:
            yield Sample(RESTARTS, (name,), restarts)
        if info.last_publish_ns:  # by the writer's clocks: ours may have been set since, or differ
            yield Sample(LAST_FRAME, (name,), (info.last_publish_ns + info.realtime_offset_ns) / NS)
    else:
        yield Sample(DROPPED, (name, "unknown"), info.dropped)
    yield from _stream_samples(name)


def _stream_samples(name: str) -> Iterator[Sample]:
    try:
        slots = inspect_slots(name)
    except VideoShmError:  # the ring was removed meanwhile
        return
    if slots:
        meta = max(slots, key=lambda slot: slot.number).meta
        width, height = (meta.width, meta.height) if meta.audio is None else (0, 0)
        yield Sample(STREAM, (name, codec_name(meta.codec), str(width), str(height)), 1)


def reader_samples(readers: list[PublishedConsumer]) -> Iterator[Sample]:
    """Yield the samples of each reader that publishes its counters."""
    for reader in readers:
        if reader.alive:
            labels = (reader.ring, str(reader.pid), reader.name, reader.path.name.removeprefix(PREFIX))
            for metric, figure in READER_FIGURES:
                yield Sample(metric, labels, figure(reader))


def bridge_samples(bridges: list[PublishedBridge]) -> Iterator[Sample]:
    """Yield the samples of each bridge that runs."""
    for bridge in bridges:
        if not bridge.alive:
            continue
        told = bridge.figures
        labels = (told.bridge, told.far, str(bridge.pid), bridge.path.name.removeprefix(BRIDGE_PREFIX))
        for metric, figure in BRIDGE_FIGURES:
            yield Sample(metric, labels, figure(told))
        for stream in {
            stream.ring: stream for stream in told.streams
        }.values():  # else a page would have a series twice
            for stream_metric, stream_figure in BRIDGED_FIGURES:
                yield Sample(stream_metric, (*labels, stream.ring), stream_figure(stream))
            for cause, count in (stream.dropped or {}).items():
                yield Sample(BRIDGE_DROPPED, (*labels, stream.ring, cause.value), count)


def machine_samples(machine: Machine) -> Iterator[Sample]:
    """Yield the samples of the board, as far as it reports them."""
    if machine.temperature_c is not None:
        yield Sample(TEMPERATURE, (), machine.temperature_c)
    for cpu, clock_mhz in enumerate(machine.clocks_mhz):
        yield Sample(CLOCK, (str(cpu),), clock_mhz * 1e6)
    if machine.throttling is not None:
        for flag in Throttling:
            metric = THROTTLED_EVER if flag.name and flag.name.endswith("_OCCURRED") else THROTTLED
            cause = (flag.name or "").removesuffix("_OCCURRED").lower()
            yield Sample(metric, (cause,), bool(machine.throttling & flag))
    elif machine.under_voltage is not None:
        yield Sample(THROTTLED, ("under_voltage",), machine.under_voltage)
    if machine.shared_memory is not None:
        yield Sample(SHM_SIZE, (), machine.shared_memory.total)
        yield Sample(SHM_FREE, (), machine.shared_memory.free)


def samples(
    rings: Mapping[str, RingInfo],
    restarts: Mapping[str, int],
    readers: list[PublishedConsumer],
    bridges: list[PublishedBridge],
    machine: Machine,
) -> Iterator[Sample]:
    """Yield all samples but the latencies."""
    for name, info in rings.items():
        yield from ring_samples(name, info, restarts.get(name))
    yield from reader_samples(readers)
    yield from bridge_samples(bridges)
    yield from machine_samples(machine)
