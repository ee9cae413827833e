# SPDX-License-Identifier: Apache-2.0
"""The dashboard of vshm export asks for what the exporter has, and for all of it."""

import json
import re
from typing import Any

import pytest
from vshm import vshm

from vshm_ctypes.cli.export.metrics import LATENCY, METRICS

LABELS = {metric.sample_name: set(metric.labels) for metric in METRICS}
LABELS |= {f"{LATENCY}_{part}": {"ring", "le"} for part in ("bucket", "count", "sum")}


def dashboard_faults(board: dict[str, Any]) -> list[str]:
    """Return queries for metrics or labels that the exporter does not have."""
    queries = [(t["expr"], t["legendFormat"]) for panel in board["panels"] for t in panel["targets"]]
    queries += [(a["expr"], a["titleFormat"]) for a in board["annotations"]["list"]]
    queries += [(v["query"]["query"], "") for v in board["templating"]["list"] if v["type"] == "query"]
    found = []
    for query, legend in queries:
        metrics = re.findall(r"\bvshm_\w+", query)
        found += [f"no metric {name}" for name in metrics if name not in LABELS]
        if not metrics:
            found.append(f"asks for nothing: {query}")
        has = set.intersection(*(LABELS.get(name, set()) for name in metrics)) | {"instance"} if metrics else set()
        used = re.findall(r"(\w+)\s*=~", query) + re.findall(r"\{\{(\w+)\}\}", legend)
        used += [label for by in re.findall(r"by \(([^)]*)\)", query) for label in by.split(", ")]
        found += [f"{metrics} have no label {label}" for label in used if label not in has]
    return found


def board() -> dict[str, Any]:
    outcome = vshm("export", "--dashboard")
    assert outcome.code == 0
    parsed: dict[str, Any] = json.loads(outcome.out)
    return parsed


def test_the_dashboard_asks_for_metrics_and_labels_that_are_there() -> None:
    assert dashboard_faults(board()) == []


def test_the_dashboard_shows_every_metric() -> None:
    shown = set(re.findall(r"vshm_\w+", json.dumps(board())))
    geometry = {"vshm_slots", "vshm_slot_size_bytes"}
    assert {metric.sample_name for metric in METRICS} - geometry <= shown
    assert f"{LATENCY}_bucket" in shown


@pytest.mark.parametrize(
    ("expr", "legend"),
    [
        ("rate(vshm_frame_total[1m])", ""),
        ('vshm_frames_total{cause=~"busy"}', ""),
        ("vshm_board_temperature_celsius", "{{ring}}"),
        ("sum by (pid) (vshm_frames_total)", ""),
        ("up", ""),
    ],
)
def test_a_dashboard_that_asks_for_more_is_found(expr: str, legend: str) -> None:
    wrong = board()
    wrong["panels"] = [{"targets": [{"expr": expr, "legendFormat": legend}]}]
    assert dashboard_faults(wrong)
