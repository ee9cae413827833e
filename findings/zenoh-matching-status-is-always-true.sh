#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `if publisher.matching_status:` is always true in Zenoh's Python binding. Its type stubs say that matching_status is a
# bool, of publishers and of queriers, and type checkers let that line through, and refuse the right one. What is there
# is an object, MatchingStatus, without a truth of its own; `publisher.matching_status.matching` is what was meant. A
# program that does costly work only while somebody listens does it always.
#
# Seen with eclipse-zenoh 1.10.2 and mypy 1.18.2, with nobody else on the network:
#     bool(publisher.matching_status) is True, publisher.matching_status.matching is False
#     mypy: "bool" has no attribute "matching"
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import zenoh

config = zenoh.Config()
config.insert_json5("scouting/multicast/enabled", "false")
config.insert_json5("listen/endpoints", "[]")
with zenoh.open(config) as own:
    publisher: zenoh.Publisher = own.declare_publisher("x")
    status = publisher.matching_status
    print(f"bool: {bool(status)}, matching: {status.matching}")
    assert bool(status) is True and status.matching is False
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check eclipse-zenoh==1.10.2 mypy==1.18.2
"$folder/venv/bin/python" "$folder/look.py"
"$folder/venv/bin/mypy" --config-file= "$folder/look.py" | tee "$folder/said" || true
grep -q '"bool" has no attribute "matching"' "$folder/said"
