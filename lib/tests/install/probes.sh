#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# probes.sh LIBRARY CC: where <sys/sdt.h> is there, a tracer finds all five probes.
set -eu
library=$1 cc=$2
echo '#include <sys/sdt.h>' | "$cc" -E -x c - >/dev/null 2>&1 || {
	echo "skipped: needs <sys/sdt.h> (apt-get install systemtap-sdt-dev)" >&2
	exit 77
}
notes=$(LC_ALL=C readelf -n "$library")
status=0
for probe in write wake lapped attach writer_lost; do
	echo "$notes" | grep -A1 'Provider: video_shm$' | grep -q "Name: $probe\$" || {
		echo "no probe $probe" >&2
		status=1
	}
done
exit $status
