#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# probes.sh LIBRARY CC: where <sys/sdt.h> is there, a tracer finds all five probes. Each is a nop where it stands, and
# has no semaphore that the library would have to look at: that is all that they cost while nobody traces.
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
# "Location: ADDRESS, Base: ADDRESS, Semaphore: ADDRESS", a line for each place of a probe.
places=$(echo "$notes" | grep -A2 'Provider: video_shm$' | sed -n 's/.*Location: 0x\([0-9a-f]*\), .*Semaphore: 0x\([0-9a-f]*\)/\1 \2/p')
test "$(echo "$places" | wc -l)" -ge 5
for place in $(echo "$places" | tr ' ' :); do
	address=${place%:*}
	test -z "$(echo "${place#*:}" | tr -d 0)" || {
		echo "the probe at $address has a semaphore" >&2
		status=1
	}
	objdump -d --start-address="0x$address" --stop-address="$((0x$address + 4))" "$library" |
		grep -q "^ *$(echo "$address" | sed 's/^0*//'):.*[[:space:]]nop" || {
		echo "the probe at $address is no nop" >&2
		status=1
	}
done
exit $status
