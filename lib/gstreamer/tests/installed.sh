#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# installed.sh BUILD LIBDIR FOLDER CMAKE: into the system the elements go where GStreamer looks, which is FOLDER, and with
# another prefix below that, where they find their library.
set -eu
build=$1 libdir=$2 folder=$3 cmake=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for prefix in /usr /usr/local; do
	DESTDIR=$work$prefix.d "$cmake" --install "$build" --prefix "$prefix" >"$work/log"
	test -e "$work$prefix.d$folder/libgstvshm.so"
done
"$cmake" --install "$build" --prefix "$work/own" >"$work/log"
own=$work/own/$libdir/gstreamer-1.0
LC_ALL=C ldd "$own/libgstvshm.so" | grep -q "libvideo_shm.so.* => $own/../libvideo_shm.so"
