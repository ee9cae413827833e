# SPDX-License-Identifier: Apache-2.0
"""Runs a writer and any number of consumers, each in a process of its own, and accounts for every frame.

consumers = [Consumer("c"), Consumer.parse("borrow@slow:20"), Consumer.parse("asyncio@rejoins")]
with Fleet(CameraStreamer("auto"), consumers, seconds=10, faults=[Fault(5, "second_producer")]) as fleet:
    result = fleet.run()
for name, account in result.accounts():
    print(name, account.received, account.missed, account.findings)
print(result.frame_book().imbalances())
"""

from hil.workers.behaviours import Behaviour, behaviour
from hil.workers.consumers import Consumer
from hil.workers.writers import CameraStreamer, RingWriter

from .faults import Fault
from .fleet import Fleet, FleetError
from .result import ConsumerResult, FleetResult, WriterResult

__all__ = [
    "Behaviour",
    "CameraStreamer",
    "Consumer",
    "ConsumerResult",
    "Fault",
    "Fleet",
    "FleetError",
    "FleetResult",
    "RingWriter",
    "WriterResult",
    "behaviour",
]
