#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# symbols.sh LIBRARY MAP HEADER CC: what the library exports, what its map says and what the header declares are the
# same names. A symbol that only the map lacks fails at the user's link; one that only the header lacks is an accident
# that we would have to keep for ever.
set -eu
library=$1 map=$2 header=$3 cc=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Every name that the library defines, be it ours or not; the version itself is an absolute symbol.
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$work/exported"
sed -n 's/^[[:space:]]*\(video_shm_[a-z0-9_]*\);$/\1/p' "$map" | sort -u >"$work/mapped"
"$cc" -E -P "$header" | tr '\n' ' ' | grep -o 'video_shm_[a-z0-9_]* *(' | tr -d ' (' | sort -u >"$work/declared"

test -s "$work/declared" || {
	echo "no declarations found in $header" >&2
	exit 1
}
status=0
diff -u --label map --label exported "$work/mapped" "$work/exported" >&2 || status=1
diff -u --label header --label exported "$work/declared" "$work/exported" >&2 || status=1
if nm -D --defined-only "$library" | awk '$2 != "A"' | grep -v '@@VIDEO_SHM_1\.[0-9]*$' >&2; then
	echo "exported without a version" >&2
	status=1
fi
exit $status
