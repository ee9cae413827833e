# SPDX-License-Identifier: Apache-2.0
"""iceoryx2: a sample is loaned, filled and sent, and an event wakes the receivers."""

from __future__ import annotations

import ctypes
from typing import Any

from ...workers.shared_memory import SHARED_MEMORY
from ..peer import Buffer, Link, Peer

PATIENCE_MS = 50  # in about 1 of 100 blocks a listener stops getting events when another one ends


class Iceoryx(Peer):
    """A publish-subscribe service for the frames, and an event service of the same name."""

    name = "iceoryx2"
    package = "iceoryx2"
    missed = None
    copies = 1
    how = "into a sample"

    @property
    def _kept(self) -> int:
        """Frames that wait for a receiver; beyond that, the oldest is dropped."""
        return 1 if self.link.newest else self.link.kept

    def _services(self) -> tuple[Any, Any]:
        import iceoryx2

        iceoryx2.set_log_level(iceoryx2.LogLevel.Error)
        config = iceoryx2.config.default()
        config.global_cfg.prefix = iceoryx2.FileName.new(self.prefix(self.link))
        config.global_cfg.root_path = iceoryx2.Path.new(str(self.link.folder / "iceoryx2"))
        quiet = iceoryx2.SignalHandlingMode.Disabled
        self._node = iceoryx2.NodeBuilder.new().config(config).signal_handling_mode(quiet)
        self._node = self._node.create(iceoryx2.ServiceType.Ipc)
        name = iceoryx2.ServiceName.new(self.link.name)
        frames = (
            self._node.service_builder(name)
            .publish_subscribe(iceoryx2.Slice[ctypes.c_uint8])
            .enable_safe_overflow(True)
            .subscriber_max_buffer_size(self._kept)
            .max_subscribers(self.link.receivers)
            .open_or_create()
        )
        return frames, self._node.service_builder(name).event().max_listeners(self.link.receivers).open_or_create()

    @staticmethod
    def prefix(link: Link) -> str:
        """Return the prefix of its names in shared memory."""
        return f"{link.name}_"

    def open_to_send(self) -> None:
        self._frames, self._events = self._services()
        self._publisher = self._frames.publisher_builder().initial_max_slice_len(self.link.size).create()
        self._notifier = self._events.notifier_builder().create()

    def open_to_receive(self) -> None:
        import iceoryx2

        self._patience = iceoryx2.Duration.from_millis(PATIENCE_MS)
        self._frames, self._events = self._services()
        self._subscriber = self._frames.subscriber_builder().buffer_size(self._kept).create()
        self._listener = self._events.listener_builder().create()

    def send(self, data: bytearray) -> None:
        sample = self._publisher.loan_slice_uninit(len(data))
        ctypes.memmove(sample.payload().as_ptr(), (ctypes.c_uint8 * len(data)).from_buffer(data), len(data))
        sample.assume_init().send()
        self._notifier.notify()

    def receive(self) -> Buffer:
        while True:
            self._sample = self._subscriber.receive()
            if self._sample is not None:
                view: memoryview = self._sample.payload().as_memory_view()
                return view
            self._listener.timed_wait(self._patience)

    def release(self) -> bool:
        self._sample.delete()
        return True

    def close(self) -> None:
        ends = (
            (self._subscriber, self._listener) if self.link.receiver is not None else (self._publisher, self._notifier)
        )
        for end in ends:
            end.delete()
        del self._frames, self._events, self._node

    @classmethod
    def sweep(cls, link: Link) -> None:
        for path in SHARED_MEMORY.glob(f"{cls.prefix(link)}*"):
            path.unlink(missing_ok=True)
