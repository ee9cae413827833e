#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# header.sh HEADER CC [CXX]: the public header stands alone, in C99 and C11, and in C++, without a warning.
set -eu
header=$1 cc=$2 cxx=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/use.c" <<-'END'
	#include "video_shm.h"
	#include "video_shm.h"
	int main(void)
	{
		video_shm_info_t info;
		info.struct_size = sizeof(info);
		return video_shm_inspect(VIDEO_SHM_NAME, &info) + (int)sizeof(video_shm_producer_t);
	}
END
cp "$work/use.c" "$work/use.cpp"
for standard in c99 c11; do
	"$cc" -std=$standard -Wall -Wextra -Wpedantic -Wconversion -Wundef -Werror -I"$(dirname "$header")" \
		-c "$work/use.c" -o "$work/use.o"
done
if [ -n "$cxx" ]; then
	for standard in c++11 c++17; do
		"$cxx" -std=$standard -Wall -Wextra -Wpedantic -Wconversion -Werror -I"$(dirname "$header")" \
			-c "$work/use.cpp" -o "$work/cpp.o"
	done
	# A C++ compiler that mangled the names would find none of them in the library.
	nm -u "$work/cpp.o" | grep -q ' video_shm_inspect$'
fi
