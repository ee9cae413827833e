#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# installed.sh BUILD LIBDIR CC CMAKE: a user's program is built against the installed copy, through pkg-config and
# through find_package, and runs. Moved elsewhere after its installation, as packagers do, the copy works as well.
set -eu
build=$1 libdir=$2 cc=$3 cmake=$4
here=$(cd "$(dirname "$0")" && pwd)
command -v pkg-config >/dev/null || {
	echo "skipped: needs pkg-config (apt-get install pkg-config)" >&2
	exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/first" >"$work/log" || {
	cat "$work/log" >&2
	exit 1
}
mv "$work/first" "$work/prefix"
prefix=$work/prefix
test -f "$prefix/include/video_shm.h"
test "$(find "$prefix/include" -type f | wc -l)" -eq 1 # one public header, and no other

# The name that programs ask the loader for holds for all of major version 1.
version=$("$cmake" -P "$here/version.cmake" 2>&1)
test "$(readlink "$prefix/$libdir/libvideo_shm.so.${version%%.*}")" = "libvideo_shm.so.$version"
test -e "$prefix/$libdir/libvideo_shm.so"
LC_ALL=C readelf -d "$prefix/$libdir/libvideo_shm.so" | grep -q "SONAME.*\[libvideo_shm.so.${version%%.*}\]"

runs() {
	printed=$(LD_LIBRARY_PATH=$prefix/$libdir "$1")
	test "$printed" = "$version" || {
		echo "$1 runs with version $printed, not $version" >&2
		exit 1
	}
}

export PKG_CONFIG_PATH="$prefix/$libdir/pkgconfig"
test "$(pkg-config --modversion video_shm)" = "$version"
# shellcheck disable=SC2046 # pkg-config's words are words
"$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -D_DEFAULT_SOURCE "$here/user/user.c" \
	$(pkg-config --cflags --libs video_shm) -o "$work/user"
LC_ALL=C readelf -d "$work/user" | grep -q "NEEDED.*\[libvideo_shm.so.${version%%.*}\]"
runs "$work/user"

# The static library has no name but the header's, whatever the program calls its own functions.
nm --defined-only -g "$prefix/$libdir/libvideo_shm.a" | awk 'NF == 3 { print $3 }' | sort -u >"$work/static"
nm -D --defined-only "$prefix/$libdir/libvideo_shm.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
	sort -u >"$work/shared"
diff -u --label shared --label static "$work/shared" "$work/static" >&2
printf 'int log_line(void);\nint log_line(void)\n{\n\treturn 7;\n}\n' >"$work/own.c"
# shellcheck disable=SC2046
"$cc" -std=c11 -D_DEFAULT_SOURCE "$here/user/user.c" "$work/own.c" $(pkg-config --cflags video_shm) \
	"$prefix/$libdir/libvideo_shm.a" $(pkg-config --static --libs-only-other video_shm) -o "$work/static_user"
if LC_ALL=C readelf -d "$work/static_user" | grep -q "NEEDED.*libvideo_shm"; then exit 1; fi
runs "$work/static_user"

{
	"$cmake" -S "$here/user" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc"
	"$cmake" --build "$work/build"
} >"$work/log" 2>&1 || true
test -x "$work/build/user" || {
	cat "$work/log" >&2
	exit 1
}
grep -q "^video_shm_DIR:PATH=$prefix/" "$work/build/CMakeCache.txt"
runs "$work/build/user"
runs "$work/build/static_user"
