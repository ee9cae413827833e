# SPDX-License-Identifier: Apache-2.0
"""The claim about channels of raw pictures: what was converted into a slot is what every consumer gets."""

from __future__ import annotations

import pytest

from hil.figures.measurement import Measurement
from hil.report.recorder import RecordedTest
from hil.suite.rig import Rig, put_on_record


@pytest.mark.parametrize("codec", ["nv12", "rgb24"])
def test_raw_pictures_arrive_whole_at_every_consumer(rig: Rig, record: RecordedTest, codec: str) -> None:
    """Each raw picture arrives whole, byte for byte, in the size of its format, and the books balance.

    Would catch: slots that are too small, a conversion that goes on after the commit, or writes into another slot.
    """
    from hil.streamer.raw_pictures import CODECS, layout_for

    stream = rig.board.stream
    result = rig.run("c for", rig.time_s(3), writer=rig.camera.writer(rig.board, f"codec={codec}", slots=12))
    wrong = put_on_record(record, result)
    size = layout_for(CODECS[codec], stream.width, stream.height).size
    for one in result.consumers:
        others = int((one.received["size"] != size).sum())
        record.measure(Measurement(f"frames of {one.name} of another size", "frames", others, exactly=0))
        record.measure(Measurement(f"frames that {one.name} got", "frames", len(one.received), at_least=1))
    assert wrong == []
