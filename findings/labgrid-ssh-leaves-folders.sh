#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# labgrid's SSHDriver waits for a board that is still booting by trying again every half second, and makes a new folder
# in /tmp for the control socket of each try. It remembers the last one alone: those of the tries that failed stay after
# the target was cleaned up, and after the process has ended. With the default timeout of 30 s a board that refuses
# connections costs some sixty folders for each activation. A TMPDIR of its own for labgrid is what keeps /tmp clean.
#
# Seen with labgrid 26.0.1 and OpenSSH 9.2, a port that refuses connections, connection_timeout 5 s
#     tries until it gives up, and folders that are left: 11
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.10 or later with pip, ssh, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/tmp"

cat >"$folder/try.py" <<'PYTHON'
import socket

from labgrid import Target
from labgrid.driver import SSHDriver
from labgrid.resource import NetworkService

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
target = Target("board")
NetworkService(target, name=None, address="127.0.0.1", username="nobody", port=port)
driver = SSHDriver(target, name=None, connection_timeout=5.0)
try:
    target.activate(driver)
    raise SystemExit("somebody listens there")
except Exception as error:
    print(error)
target.cleanup()
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check labgrid==26.0.1
TMPDIR="$folder/tmp" "$folder/venv/bin/python" "$folder/try.py"
left=$(find "$folder/tmp" -maxdepth 1 -name 'lg-ssh-*' | wc -l)
echo "$left folders are left"
[ "$left" -ge 5 ]
