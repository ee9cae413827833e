#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# example_makefile.sh LIB: on a fresh copy of LIB, `cd examples && make` is all that the example takes.
set -eu
for tool in make cmake cc; do
    command -v "$tool" >/dev/null || { echo "skipped: needs $tool" >&2; exit 77; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
fail() { echo "failed: $*" >&2; exit 1; }

mkdir "$folder/lib" "$folder/lib/examples"
cp -r "$1/CMakeLists.txt" "$1/VERSION" "$1/cmake" "$1/gstreamer" "$1/include" "$1/src" "$folder/lib/"
cp "$1/examples/Makefile" "$1/examples/video_consumer_example.c" "$folder/lib/examples/"
cd "$folder/lib/examples"
make >"$folder/log" 2>&1 || { cat "$folder/log"; fail "make on a fresh clone"; }
./video_consumer -h | grep -q '^usage: video_consumer' || fail "it does not run in place"
code=0
message=$(./video_consumer -n "vshm_test_none_$$" 2>&1) || code=$?
[ "$code" -eq 1 ] || fail "without a producer the exit code is $code"
case $message in *camera-streamer*) ;; *) fail "without a producer it says: $message" ;; esac
before=$(stat -c %Y.%i video_consumer)
make >"$folder/log" 2>&1 || fail "make again"
[ "$(stat -c %Y.%i video_consumer)" = "$before" ] || fail "make again builds what is there"
make clean >/dev/null
left=$(find . -mindepth 1 | sort | tr '\n' ' ')
[ "$left" = "./Makefile ./video_consumer_example.c " ] || fail "make clean leaves: $left"
